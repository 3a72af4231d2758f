import AxeBuilder from '@axe-core/playwright';
import { expect, request, test, type APIRequestContext, type BrowserContext, type Locator, type Page } from '@playwright/test';
import { hub, nameOf, need, passwordOf, shots, stranger, type Who } from './people';

// The commune's operator at home, with a phone; a real PC with a sound card at the commune's station.
test.describe.configure({ mode: 'serial' });

const sins: string[] = []; // requests to others, what the policy refused, errors on pages
const phone = { width: 390, height: 844 };
const sizes = [phone, { width: 1366, height: 768 }, { width: 1024, height: 768 }];
let context: BrowserContext;
let page: Page;
let now: Locator;
let decided: Locator;

async function signedIn(who: Who): Promise<APIRequestContext> {
  const api = await request.newContext({ baseURL: `${hub}/api/v1/` });
  expect((await api.post('login', { data: { name: nameOf(who), password: passwordOf(who) } })).ok()).toBe(true);
  return api;
}

/** Plans a report for an instant, as author and chief would, and gives its time in the fleet's zone. */
async function plan(report: string, seconds: number) {
  const author = await signedIn('AUTHOR');
  const chief = await signedIn('CHIEF');
  const { zone } = (await (await author.get('me')).json()) as { zone: string };
  const at = new Date(Math.ceil(Date.now() / 1000) * 1000 + seconds * 1000);
  const wall = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'medium' }).format(at).replace(' ', 'T');
  const made = await author.post('broadcasts', { data: { title: 'Tìm hiểu pháp luật', class: 'normal', items: [{ report }], when: { at: wall }, targets: { areas: ['hoang-dao'] } } });
  expect(made.ok(), await made.text()).toBe(true);
  const { id } = (await made.json()) as { id: string };
  expect((await chief.post(`broadcasts/${id}/approve`)).ok()).toBe(true);
  await author.dispose();
  await chief.dispose();
}

test.beforeAll(async ({ browser }) => {
  context = await stranger(browser, sins);
  page = await context.newPage();
  await page.setViewportSize(phone);
  now = page.getByRole('region', { name: 'Đang phát' });
  decided = page.getByRole('list').filter({ has: page.getByText('hoa.dai-xa') });
});
test.afterAll(async () => await context.close());
test.afterEach(() => expect(sins.splice(0)).toEqual([]));

/** A page as people see it, at the three sizes; nothing too small for a thumb, nothing serious for axe, in light and dark. */
async function shown(name: string) {
  for (const size of sizes) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${name} scrolls sideways at ${size.width}`).toBeLessThanOrEqual(0);
    const cut = await page.locator('.mantine-Button-label').evaluateAll((labels) => labels.filter((l) => l.scrollWidth > l.clientWidth).map((l) => l.textContent));
    expect(cut, `${name} cuts off what is written on buttons at ${size.width}`).toEqual([]);
    await page.screenshot({ animations: 'disabled', path: `${shots}/phone-${name}-${size.width}x${size.height}.png` });
  }
  await page.setViewportSize(phone);
  for (const colorScheme of ['dark', 'light'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
    await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => a.effect?.getComputedTiming().iterations !== Infinity).map((a) => a.finished.catch(() => undefined))));
    const { violations } = await new AxeBuilder({ page }).analyze();
    const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
    expect(bad.map((v) => `${name}, ${colorScheme}: ${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join('\n   ')}`)).toEqual([]);
    if (colorScheme === 'dark') await page.screenshot({ animations: 'disabled', path: `${shots}/phone-${name}-dark.png` });
  }
}

const item = (title: string) => page.getByRole('article', { name: title, exact: true });
const newest = () => decided.getByRole('listitem').first();

/** What was asked for stands first in the list, and the PC has it. */
async function had(words: string | RegExp) {
  await expect(newest()).toContainText(words);
  await expect(newest()).toContainText('Máy ở đài đã nhận lúc');
}

async function because(reason: string, button: string) {
  const form = page.getByRole('dialog');
  await form.getByLabel('Lý do').fill(reason);
  await form.getByRole('button', { name: button, exact: true }).click();
}

test('she signs in and sees her own cluster, and no other', async () => {
  await page.goto('/');
  await page.getByLabel('Tên đăng nhập').fill(need('LOA_OPERATOR'));
  await page.getByLabel('Mật khẩu').first().fill(need('LOA_OPERATOR_PASSWORD'));
  await page.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(page.getByRole('heading', { level: 1, name: 'Cụm loa nhà văn hóa' })).toBeVisible();
  await expect(page.getByText('Cụm loa bến đò')).toHaveCount(0);
  await expect(now).toContainText('Máy ở đài đang nối');
  await expect(item('Bản tin y tế')).toContainText('Thông thường · trung tâm');
  const stop = await page.getByRole('button', { name: 'DỪNG PHÁT' }).boundingBox();
  expect(stop!.y + stop!.height, 'stop is within a thumb’s reach').toBeGreaterThan(phone.height - 120);
  expect(stop!.height).toBeGreaterThanOrEqual(64);
  await shown('quiet');
});

test('skip, move, volume, mute and order, each with its reason, each reaches the PC', async () => {
  await item('Bản tin y tế').getByRole('button', { name: 'Bỏ qua' }).click();
  const form = page.getByRole('dialog');
  await form.getByRole('button', { name: 'Bỏ qua mục này' }).click();
  await expect(form).toBeVisible(); // not without a reason
  await form.getByRole('button', { name: 'Họp thôn' }).click();
  await form.getByRole('button', { name: 'Bỏ qua mục này' }).click();
  await had('Bỏ qua «Bản tin y tế»');
  await expect(item('Bản tin y tế')).toContainText('Không phát');

  await item('Bản tin khuyến học').getByRole('button', { name: 'Dời giờ' }).click();
  await form.getByLabel('Giờ mới').fill('03:00');
  await because('Hội trường bận', 'Dời giờ');
  await expect(form.getByRole('alert')).toContainText('giờ còn lại của ngày hôm đó');
  await form.getByLabel('Giờ mới').fill('15:15');
  await shown('move');
  await because('Hội trường bận', 'Dời giờ');
  await had('Dời sang 15:15 «Bản tin khuyến học»');
  await expect(item('Bản tin khuyến học')).toContainText('15:15');

  await page.getByRole('button', { name: 'Âm lượng' }).click();
  await form.getByRole('slider').press('Home');
  for (let i = 0; i < 8; i++) await form.getByRole('slider').press('ArrowRight');
  await because('Sát trường học', 'Đặt âm lượng');
  await had('Âm lượng 50%');
  await expect(now).toContainText('Âm lượng 50%');

  await page.getByRole('button', { name: 'Tắt tiếng' }).click();
  await shown('mute');
  await because('Đám tang trong thôn', 'Tắt tiếng');
  await had(/Tắt tiếng đến \d\d:\d\d/);
  await expect(now).toContainText('Đang tắt tiếng đến');
  await page.getByRole('button', { name: 'Bật tiếng lại' }).click();
  await form.getByRole('button', { name: 'Bật tiếng lại' }).click();
  await had('Bật tiếng lại');
  await expect(now).not.toContainText('Đang tắt tiếng');

  await page.getByRole('button', { name: 'Đổi thứ tự' }).click();
  const first = await form.getByText(/^1\. /).innerText();
  await form.getByRole('button', { name: /xuống sau/ }).first().click();
  await expect(form.getByText(/^2\. /)).toHaveText(first.replace('1.', '2.'));
  await because('Theo chỉ đạo của Ủy ban', 'Đổi thứ tự');
  await had('Đổi thứ tự buổi phát');
});

test('one tap ends the sound and holds it; continue lets it go on', async () => {
  await plan(need('LOA_LONG'), 8);
  await expect(now).toContainText('Tìm hiểu pháp luật');
  await expect(now).toContainText(/hết lúc \d\d:\d\d:\d\d/);
  await expect(now.getByRole('progressbar')).toBeVisible();
  await shown('plays');
  await page.getByRole('button', { name: 'DỪNG PHÁT' }).click();
  await had('Dừng phát');
  await expect(now).toContainText('Đã dừng, đến');
  await expect(now).not.toContainText('hết lúc');
  await expect(page.getByRole('article').filter({ hasText: 'cán bộ đài bấm dừng' }).filter({ hasText: 'Phát dở' })).toBeVisible();
  await expect(page.getByRole('button', { name: 'DỪNG PHÁT' })).toBeVisible(); // always there
  await shown('stopped');
  await page.getByRole('button', { name: 'Phát tiếp' }).click();
  await had('Phát tiếp');
  await expect(now).not.toContainText('Đã dừng');
});

test('a stop at the PC is in the same list, and she sees when the PC that was away has hers', async () => {
  const pc = await request.newContext();
  expect((await pc.post(`${need('LOA_CONSOLE')}/api/v1/stop`, { data: { who: 'Anh Hùng' } })).ok()).toBe(true);
  await expect(page.getByRole('listitem').first()).toContainText('Anh Hùng, tại máy ở đài');
  await expect(now).toContainText('Đã dừng, đến');
  expect((await pc.post(`${need('LOA_POWER')}/off`)).ok()).toBe(true);
  await expect(now).toContainText('Mất liên lạc từ');
  await page.getByRole('button', { name: 'Phát tiếp' }).click();
  await expect(newest()).toContainText(/Chờ máy ở đài, thấy lần cuối \d\d:\d\d/);
  await shown('waiting');
  expect((await pc.post(`${need('LOA_POWER')}/on`)).ok()).toBe(true);
  await had('Phát tiếp');
  const status = (await (await pc.get(`${need('LOA_CONSOLE')}/api/v1/status`)).json()) as { held: boolean; decisions: { kind: string; who: string; source: string }[] };
  expect(status.held).toBe(false);
  expect(status.decisions[0]).toMatchObject({ kind: 'release', who: need('LOA_OPERATOR'), source: 'hub' });
  await pc.dispose();
});

test('the commune’s own daypart and item, which somebody else approves', async () => {
  const own = page.getByRole('region', { name: 'Mục riêng của xã' });
  await own.getByRole('button', { name: 'Thêm buổi' }).click();
  await own.getByLabel('Tên buổi phát').fill('Họp chợ');
  await own.getByLabel('Từ', { exact: true }).fill('17:30');
  await own.getByLabel('Đến', { exact: true }).fill('18:00');
  await own.getByRole('button', { name: 'Lưu buổi phát' }).click();
  await expect(own.getByRole('alert').first()).toBeVisible(); // it overlaps the evening
  await own.getByLabel('Từ', { exact: true }).fill('09:00');
  await own.getByLabel('Đến', { exact: true }).fill('09:10');
  await own.getByRole('button', { name: 'Lưu buổi phát' }).click();
  await expect(own.getByText('Họp chợ, 09:00–09:10')).toBeVisible();

  await own.getByRole('button', { name: 'Thêm mục' }).click();
  await own.locator('input[type=file]').setInputFiles(need('LOA_SPEECH'));
  await expect(own.getByRole('button', { name: 'Gửi duyệt' })).toBeVisible();
  const tomorrow = new Date(Date.now() + 86_400_000);
  const zone = ((await (await page.request.get(`${hub}/api/v1/me`)).json()) as { zone: string }).zone;
  await own.getByLabel('Ngày', { exact: true }).fill(new Intl.DateTimeFormat('en-GB', { timeZone: zone, day: '2-digit', month: '2-digit', year: 'numeric' }).format(tomorrow));
  await own.getByLabel('Ngày', { exact: true }).press('Tab');
  await own.getByRole('combobox', { name: 'Buổi phát' }).click();
  await page.getByRole('option', { name: /Họp chợ/ }).click();
  await own.getByRole('button', { name: 'Gửi duyệt' }).click();
  const mine = own.getByRole('article', { name: 'Bản tin y tế' });
  await expect(mine).toContainText('Chờ duyệt');
  await own.getByText('Họp chợ, 09:00–09:10').scrollIntoViewIfNeeded();
  await shown('own');

  const chief = await signedIn('CHIEF');
  const { items } = (await (await chief.get('areas/hoang-dao/own')).json()) as { items: { id: string; items: { report: string }[] }[] };
  expect((await chief.post(`reports/${items[0]!.items[0]!.report}/approve`)).ok()).toBe(true);
  expect((await chief.post(`broadcasts/${items[0]!.id}/approve`)).ok()).toBe(true);
  await chief.dispose();
  await expect(mine).toContainText('Đã duyệt');
  await page.getByText('Ngày mai', { exact: true }).click();
  const planned = item('Bản tin y tế').filter({ hasText: 'Thông thường · của xã · Họp chợ' });
  await expect(planned.getByRole('button', { name: 'Bỏ qua' })).toBeVisible();
});
