import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  // The hub puts a fresh nonce in its place with every page (embed.go).
  html: { cspNonce: 'LOA_NONCE' },
  build: {
    target: 'es2022',
    emptyOutDir: false, // dist/.gitignore stays: Go embeds the folder also where no page was built
    assetsInlineLimit: 0, // data: addresses are not allowed by our policy
    chunkSizeWarningLimit: 700,
  },
  server: { proxy: { '/api': process.env.LOA_HUB ?? 'http://127.0.0.1:8080' } },
});
