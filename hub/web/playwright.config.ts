import { defineConfig } from '@playwright/test';

// Started by internal/e2e/pages, which brings a hub with people, areas and agents.
export default defineConfig({
  testDir: 'e2e',
  projects: [
    { name: 'pages', testMatch: 'story.spec.ts' },
    { name: 'workshop', testMatch: 'workshop.spec.ts' },
    { name: 'calendar', testMatch: 'calendar.spec.ts' },
    { name: 'admin', testMatch: 'admin.spec.ts' },
    { name: 'console', testMatch: 'console.spec.ts' }, // the agent's page
    { name: 'fleet', testMatch: 'fleet.spec.ts' }, // with many clusters
    { name: 'phone', testMatch: 'operator.spec.ts' }, // the commune's operator from home
    { name: 'states', testMatch: 'states.spec.ts' }, // loading, failing, empty
    { name: 'fps', testMatch: 'fps.spec.ts' }, // for make bench
  ],
  outputDir: process.env.LOA_RESULTS ?? 'test-results',
  workers: 1,
  globalTimeout: 420_000, // two minutes on an idle machine
  timeout: 240_000, // a busy machine is slow, and what it waits for has no time of its own
  expect: { timeout: 45_000 },
  reporter: 'list',
  use: {
    baseURL: process.env.LOA_URL,
    actionTimeout: 45_000,
    trace: 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.LOA_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required'],
    },
  },
});
