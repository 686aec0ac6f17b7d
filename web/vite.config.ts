import react from '@vitejs/plugin-react';
import { loadEnv } from 'vite';
import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => {
  // `AISLE_URL=http://127.0.0.1:8080 npm run dev` works against a running server.
  const server = loadEnv(mode, '.', 'AISLE_').AISLE_URL ?? 'http://127.0.0.1:8080';
  return {
    plugins: [react()],
    server: { proxy: { '/v1': server, '/media': server } },
    build: {
      target: 'es2022',
      // The content security policy allows no data: outside images, so nothing is inlined.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    test: { include: ['test/**/*.test.ts'], setupFiles: ['test/setup.mjs'] },
  };
});
