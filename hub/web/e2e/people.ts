import { expect, type Browser, type BrowserContext, type Page } from '@playwright/test';

export type Who = 'AUTHOR' | 'CHIEF';

export function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: run this by go test ./internal/e2e/pages`);
  return value;
}

export const base = need('LOA_URL');
export const hub = need('LOA_HUB_URL'); // past the line that the pages come by
export const speech = process.env.LOA_SPEECH ?? ''; // the console's story has none
export const shots = need('LOA_SCREENSHOTS');
export const nameOf = (who: Who) => need(`LOA_${who}`);
export const passwordOf = (who: Who) => need(`LOA_${who}_PASSWORD`);

/** Cuts the line between browser and hub, or mends it. */
export const line = (to: 'down' | 'up') => fetch(`${need('LOA_LINE')}/${to}`, { method: 'POST' });

/** A browser far from Vietnam, in another language: nothing of it may be seen in a time. */
export async function stranger(browser: Browser, sins: string[]): Promise<BrowserContext> {
  const context = await browser.newContext({ timezoneId: 'America/New_York', locale: 'en-US', viewport: { width: 1366, height: 768 }, baseURL: base });
  context.on('request', (r) => {
    if (!r.url().startsWith(base) && !r.url().startsWith('blob:')) sins.push(`a request to ${r.url()}`);
  });
  context.on('console', (m) => {
    const { url } = m.location(); // axe, which the test puts into the page, has none
    if (/content security policy/i.test(m.text()) && url.startsWith(base)) sins.push(`${m.text()} at ${m.location().url}:${m.location().lineNumber}:${m.location().columnNumber}`);
  });
  context.on('weberror', (e) => sins.push(`an error on a page: ${e.error().stack ?? e.error().message}`));
  return context;
}

export async function signIn(page: Page, who: Who) {
  await page.goto('/');
  await page.getByLabel('Tên đăng nhập').fill(nameOf(who));
  await page.getByLabel('Mật khẩu').first().fill(passwordOf(who));
  await page.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(page.getByRole('heading', { name: 'Thư viện phóng sự' })).toBeVisible();
}

/** The wall time of the fleet, some seconds from now: { day: 24/11/2026, time: 05:30:10 }. */
export function fleetTime(seconds: number) {
  const at = new Date(Math.ceil((Date.now() + seconds * 1000) / 1000) * 1000);
  const part = (o: Intl.DateTimeFormatOptions, l = 'en-GB') => new Intl.DateTimeFormat(l, { timeZone: 'Asia/Ho_Chi_Minh', hourCycle: 'h23', ...o }).format(at);
  return { day: part({ day: '2-digit', month: '2-digit', year: 'numeric' }), time: part({ hour: '2-digit', minute: '2-digit', second: '2-digit' }) };
}

/** Chooses in one of Mantine's lists by its label; a list that closed again, as focus moved on, is opened again. */
export async function choose(page: Page, label: string, option: string | RegExp) {
  const input = page.locator('input').and(page.getByLabel(label, { exact: true })).last();
  const wanted = page.getByRole('option', { name: option }).first();
  await expect(async () => {
    if (!(await wanted.isVisible())) await input.click();
    await wanted.click({ timeout: 2000 });
  }).toPass({ timeout: 45_000 });
}
