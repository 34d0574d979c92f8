import { join } from 'node:path'
import { defineConfig } from 'vite'

const root = import.meta.dirname

/** Four pages, one per role. The service serves `dist`; its CSP allows nothing inline. */
export default defineConfig({
  root,
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: join(root, 'dist'),
    emptyOutDir: true,
    target: 'es2023',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    rolldownOptions: {
      input: {
        dso: join(root, 'dso', 'index.html'),
        aggregator: join(root, 'aggregator', 'index.html'),
        owner: join(root, 'owner', 'index.html'),
        operator: join(root, 'operator', 'index.html'),
      },
    },
  },
})
