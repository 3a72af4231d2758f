// How heavy the first page is and when it can be used, for somebody who is signed in and comes with an empty cache, over
// 1.6 Mbit/s with a round trip of 300 ms. Prints {"bytes":…,"seconds":[…]}; scripts/bench starts it.
import { chromium } from '@playwright/test';

const [base, name, password, times = '5'] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: process.env.LOA_CHROMIUM ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});
const first = await browser.newContext({ baseURL: base });
const login = await first.request.post('/api/v1/login', { data: { name, password } });
if (!login.ok()) throw new Error(`sign in: ${login.status()} ${await login.text()}`);
const storageState = await first.storageState();

/** One visit with nothing cached. */
async function visit(throttled) {
  const context = await browser.newContext({ baseURL: base, storageState });
  const page = await context.newPage();
  const scripts = [];
  page.on('requestfinished', (r) => {
    if (r.resourceType() === 'script') scripts.push(r.sizes().then((s) => s.responseBodySize));
  });
  const line = await context.newCDPSession(page);
  await line.send('Network.enable');
  if (throttled) await line.send('Network.emulateNetworkConditions', { offline: false, latency: 300, downloadThroughput: 1_600_000 / 8, uploadThroughput: 1_600_000 / 8 });
  const begun = performance.now();
  await page.goto('/', { waitUntil: 'commit' });
  await page.getByRole('searchbox').waitFor(); // the library's own field: it can be typed into
  await page.getByRole('heading', { name: 'Chưa có phóng sự nào' }).waitFor(); // and what it lists has come
  const seconds = (performance.now() - begun) / 1000;
  const bytes = (await Promise.all(scripts)).reduce((sum, n) => sum + n, 0);
  await context.close();
  return { bytes, seconds };
}

const { bytes } = await visit(false);
const seconds = [];
for (let i = 0; i < Number(times); i++) seconds.push((await visit(true)).seconds);
await browser.close();
console.log(JSON.stringify({ bytes, seconds }));
