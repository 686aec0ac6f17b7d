import react from '@vitejs/plugin-react';
import { loadEnv, type Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

/* As the server does: every address under /console is one document. */
const consolePages: Plugin = {
  name: 'console-pages',
  configureServer: (server) => {
    server.middlewares.use((request: { url?: string }, _response, next) => {
      if (/^\/console([/?]|$)/.test(request.url ?? '')) request.url = '/console.html';
      next();
    });
  },
};

export default defineConfig(({ mode }) => {
  // `AISLE_URL=http://127.0.0.1:8080 npm run dev` works against a running server.
  const server = loadEnv(mode, '.', 'AISLE_').AISLE_URL ?? 'http://127.0.0.1:8080';
  return {
    plugins: [react(), consolePages],
    server: {
      proxy: { '/v1': server, '/media': server, '/healthz': server, '/readyz': server },
    },
    build: {
      target: 'es2022',
      // The content security policy allows no data: outside images, so nothing is inlined.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      // The storefront and the console: two documents, so that neither loads the other's code.
      rollupOptions: { input: ['index.html', 'console.html'] },
    },
    test: { include: ['test/**/*.test.ts'], setupFiles: ['test/setup.mjs'] },
  };
});
