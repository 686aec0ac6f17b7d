/** The sign of the program; always beside its name. */
export function Mark() {
  return (
    <svg className="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
      <path d="M12.8 4h2L10 28H5zM19.2 4h-2L22 28h5z" />
      <path d="M15.1 19h1.8v9h-1.8zM15.3 10.5h1.4V15h-1.4z" className="mark-floor" />
    </svg>
  );
}
