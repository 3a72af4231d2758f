import AxeBuilder from '@axe-core/playwright';
import { expect, type Page } from '@playwright/test';
import { shots } from './people';

export const sizes = [
  { width: 1366, height: 768 },
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];

/** Colours on their way from light to dark are no page's colours. */
async function settled(page: Page) {
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))));
}

/** Serious and critical findings of axe, in light and in dark. */
async function accessible(page: Page, name: string) {
  for (const colours of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: colours, reducedMotion: 'reduce' });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colours);
    await settled(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
    expect(bad.map((v) => `${name}, ${colours}: ${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join('\n   ')}`)).toEqual([]);
  }
}

/** A page as people see it, at the three sizes, and dark at the first. */
export async function picture(page: Page, name: string) {
  for (const size of sizes) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
    await settled(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${name} scrolls sideways at ${size.width}`).toBeLessThanOrEqual(0);
    await page.screenshot({ animations: 'disabled', path: `${shots}/${name}-${size.width}x${size.height}.png` });
  }
  await page.setViewportSize(sizes[0]!);
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.screenshot({ animations: 'disabled', path: `${shots}/${name}-dark.png` });
  await page.emulateMedia({ colorScheme: 'light' });
}

export async function shown(page: Page, name: string) {
  await accessible(page, name);
  await picture(page, name);
}
