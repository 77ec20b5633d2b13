import { defineConfig } from 'vitest/config';

const conditions = ['@regrain/source', 'module', 'node', 'development|production'];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['packages/*/src/**/*.spec.ts', 'packages/*/test/**/*.spec.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['./tools/vitest-setup.ts'],
  },
});
