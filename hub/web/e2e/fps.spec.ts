import { expect, test } from '@playwright/test';
import { signIn, stranger } from './people';

// Started by scripts/bench (fleet-fps): 10,000 clusters, 500 of which say something new each second.
test('frames a second of the list while it is scrolled', async ({ browser }) => {
  const context = await stranger(browser, []);
  const page = await context.newPage();
  await signIn(page, 'CHIEF');
  await page.goto('/fleet');
  await expect(page.getByText('Đang hiện 10.000 trên 10.000 cụm')).toBeVisible();
  await expect(page.locator('[data-agent]:not([data-stale])').first()).toBeVisible(); // changes come in
  const cdp = await context.newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' }); // CPU, which a busy machine does not stretch
  const spent = async () => (await cdp.send('Performance.getMetrics')).metrics.find((m) => m.name === 'TaskDuration')!.value; // s
  const before = await spent();
  const { fps, longest, changed } = await page.evaluate(async () => {
    const box = document.querySelector('.fleet')!;
    const ten = 10_000; // ms
    const begin = performance.now();
    let frames = 0;
    let longest = 0;
    let changed = 0;
    const watch = new MutationObserver((list) => (changed += list.length));
    watch.observe(box, { subtree: true, childList: true, characterData: true, attributes: true });
    for (let last = begin; ; ) {
      const now = await new Promise<number>((go) => requestAnimationFrame(go));
      if (now - begin > ten) break;
      frames++;
      longest = Math.max(longest, now - last);
      last = now;
      box.scrollTop += 3;
    }
    watch.disconnect();
    return { fps: (frames * 1000) / ten, longest, changed };
  });
  const cpu = ((await spent()) - before) * 100; // ms a second, of ten
  expect(changed).toBeGreaterThan(100);
  console.log(`fleet-fps ${fps.toFixed(1)}, longest frame ${longest.toFixed(0)} ms, main thread ${cpu.toFixed(0)} ms of CPU a second`);
  await context.close();
});
