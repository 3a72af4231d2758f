import AxeBuilder from '@axe-core/playwright';
import { expect, request, test, type APIRequestContext, type BrowserContext, type Page } from '@playwright/test';
import { shown as look } from './look';
import { hub, line, nameOf, need, passwordOf, shots, signIn, speech, stranger, type Who } from './people';

// The commune operator at the amplifier PC: an agent that is not paired yet, and then has no network.
test.describe.configure({ mode: 'serial' });

const pin = '2468';
const sins: string[] = []; // requests to others, what the policy refused, errors on pages
const sizes = [
  { width: 1024, height: 768 },
  { width: 390, height: 844 },
];
let context: BrowserContext;
let page: Page;
let author: APIRequestContext;
let chief: APIRequestContext;
let agent: string;

async function signedIn(who: Who) {
  const api = await request.newContext({ baseURL: `${hub}/api/v1/` });
  expect((await api.post('login', { data: { name: nameOf(who), password: passwordOf(who) } })).ok()).toBe(true);
  return api;
}

/** What the hub answers, which must be a success. */
async function told<T>(api: APIRequestContext, method: 'get' | 'post' | 'put', path: string, data?: unknown): Promise<T> {
  const res = await api[method](path, data === undefined ? {} : { data });
  expect(res.ok(), `${method} ${path}: ${await res.text()}`).toBe(true);
  return (await res.json()) as T;
}

test.beforeAll(async ({ browser }) => {
  context = await stranger(browser, sins);
  page = await context.newPage();
  await page.setViewportSize(sizes[0]!);
  author = await signedIn('AUTHOR');
  chief = await signedIn('CHIEF');
});
test.afterAll(async () => {
  await context.close();
  await author.dispose();
  await chief.dispose();
});
test.afterEach(() => expect(sins.splice(0)).toEqual([]));

/** A page as people see it, at the two sizes of the screens there are, and without serious findings of axe. */
async function shown(name: string, { full = false, dark = false } = {}) {
  for (const size of sizes) {
    await page.setViewportSize(size);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(wide, `${name} scrolls sideways at ${size.width}`).toBeLessThanOrEqual(0);
    for (const target of await page.locator('button:visible, a.button:visible, input:visible:not([type=hidden])').all()) {
      const box = await target.boundingBox();
      if (box) expect(box.height, `${name} at ${size.width}: too small for a finger: ${await target.innerText()}`).toBeGreaterThanOrEqual(44);
    }
    await page.screenshot({ animations: 'disabled', fullPage: full, path: `${shots}/console-${name}-${size.width}x${size.height}.png` });
  }
  await page.setViewportSize(sizes[0]!);
  for (const colorScheme of dark ? (['light', 'dark'] as const) : (['light'] as const)) {
    await page.emulateMedia({ colorScheme });
    const { violations } = await new AxeBuilder({ page }).analyze();
    const bad = violations.filter((v) => v.impact === 'serious' || v.impact === 'critical');
    expect(bad.map((v) => `${name}, ${colorScheme}: ${v.id}: ${v.nodes.map((n) => `${n.html.slice(0, 160)} ${n.any[0]?.message ?? ''}`).join('\n   ')}`)).toEqual([]);
  }
  await page.emulateMedia({ colorScheme: 'light' });
}

/** Types the person's part of a form and sends it. */
async function decide(button: string, as: { pin?: string; reason?: string } = {}) {
  const form = page.locator('form').last();
  if (as.reason !== undefined) await form.getByLabel('Lý do').fill(as.reason);
  await form.getByLabel('Mã PIN').fill(as.pin ?? pin);
  await form.getByRole('button', { name: button }).click();
}

const decided = () => page.getByRole('heading', { name: 'Quyết định của xã' }).locator('+ ul');

test('the first hour leads through hub, code, words, PIN, tone and amplifier', async () => {
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'Cài đặt cụm loa' })).toBeVisible();
  await shown('begin');
  await page.getByLabel('Địa chỉ máy chủ').fill(need('LOA_HUB_LINE'));
  await page.getByLabel('Mã ghép').fill('0000-0000-0000');
  await page.getByRole('button', { name: 'Ghép' }).click();
  await expect(page.getByRole('alert').filter({ visible: true })).toContainText('PAIRING');
  await shown('begin-refused', { dark: true });

  const pairing = await told<{ id: string; code: string }>(chief, 'post', 'pairings', { area: 'hoang-dao', name: 'Cụm loa nhà văn hóa' });
  await page.getByLabel('Mã ghép').fill(pairing.code.toLowerCase());
  await page.getByRole('button', { name: 'Ghép' }).click();
  const words = page.locator('.words li');
  await expect(words).toHaveCount(6);
  await shown('begin-words');
  const answered = await told<{ words: string }>(chief, 'get', `pairings/${pairing.id}`);
  expect((await words.allInnerTexts()).join(' ')).toBe(answered.words.replaceAll('-', ' '));
  await page.getByRole('button', { name: 'Giống hệt' }).click();
  await expect(page.getByText('Đang chờ quản trị bấm xác nhận')).toBeVisible();
  await shown('begin-waiting');
  agent = (await told<{ agent: string }>(chief, 'post', `pairings/${pairing.id}/confirm`, { words: answered.words })).agent;

  await expect(page.getByText('Đã ghép: Cụm loa nhà văn hóa')).toBeVisible();
  await page.getByLabel('Mã PIN mới').fill('1111');
  await page.getByRole('button', { name: 'Lưu' }).click();
  await expect(page.getByText('PIN_INVALID')).toBeVisible();
  await page.getByLabel('Mã PIN mới').fill(pin);
  await page.getByRole('button', { name: 'Lưu' }).click();
  await expect(page.getByText('Máy này đã có mã PIN.')).toBeVisible();
  await page.getByLabel('Mã PIN').fill(pin);
  await page.getByRole('button', { name: 'Thử tiếng' }).click();
  await expect(page.getByText('Tiếng thử đã ra cạc âm thanh')).toBeVisible();
  await shown('begin-paired', { full: true, dark: true });
  await page.getByRole('link', { name: 'Mở trang vận hành' }).click();
  await expect(page.locator('#clock')).toHaveText(/^\d\d:\d\d:\d\d$/);
});

const reports = () => Object.fromEntries(need('LOA_REPORTS').split(';').map((r) => r.split('=') as [string, string]));

/** Makes a broadcast of the report with its title, and has the second person approve it. */
async function schedule(title: string, when: object) {
  const b = await told<{ id: string }>(author, 'post', 'broadcasts', {
    title, class: 'normal', items: [{ report: reports()[title] }], when, targets: { areas: ['hoang-dao'] }, lateness: 'join',
  });
  await told(chief, 'post', `broadcasts/${b.id}/approve`, {});
}

/** The wall time of the fleet in some seconds: the zone is the page's, which the test knows by its clock alone. */
async function fleetTime(seconds: number) {
  const { at, plan } = (await (await page.request.get('/api/v1/status')).json()) as { at: string; plan: { zone: string } };
  const part = (o: Intl.DateTimeFormatOptions, l: string) => new Intl.DateTimeFormat(l, { timeZone: plan.zone, hourCycle: 'h23', ...o }).format(new Date(Math.ceil(Date.parse(at) / 1000 + seconds) * 1000));
  return `${part({ dateStyle: 'short' }, 'sv')}T${part({ timeStyle: 'medium' }, 'en-GB')}`;
}

test('what is due is listed; then the network is cut', async () => {
  await expect(page.getByText('Im lặng vì chưa có kế hoạch phát').or(page.getByText('Không có mục nào sắp phát.'))).toBeVisible();
  await expect.poll(async () => ((await (await page.request.get('/api/v1/status')).json()) as { plan?: object }).plan).toBeTruthy();
  for (const title of ['Bản tin nông nghiệp', 'Bản tin y tế', 'Bản tin khuyến học']) await schedule(title, { daypart: 'evening', rrule: 'FREQ=DAILY' });
  await schedule('Tìm hiểu pháp luật', { at: await fleetTime(14) });
  await expect(page.getByRole('row', { name: /khuyến học/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /pháp luật/ })).toBeVisible();
  const cache = async () => ((await (await page.request.get('/api/v1/status')).json()) as { cache: { missing: number; state: string } }).cache;
  await expect.poll(cache).toMatchObject({ missing: 0, state: 'ok' });
  await line('down');
  await expect(page.getByText('mất kết nối')).toBeVisible();
  await shown('waiting', { full: true });
});

test('what sounds has a position and a level; stop by keyboard, continue by touch', async ({ browser }) => {
  await expect(page.locator('#playing')).toHaveText('Tìm hiểu pháp luật');
  await expect.poll(() => page.locator('#level').evaluate((m: HTMLMeterElement) => m.value)).toBeGreaterThan(-45);
  await expect(page.locator('#seconds')).not.toHaveText('0:00');
  await shown('playing', { dark: true });
  await page.locator('#do-stop').focus();
  await page.keyboard.press('Enter');
  await expect(page.getByText('Đang dừng theo lệnh của người vận hành')).toBeVisible();
  await expect(page.locator('#playing')).toHaveText('Không phát gì');
  await expect.poll(() => page.locator('#level').evaluate((m: HTMLMeterElement) => m.value)).toBe(-60);
  await expect(page.getByText('Im lặng vì đã bấm Dừng')).toBeVisible();
  await shown('stopped');
  const phone = await browser.newContext({ hasTouch: true, isMobile: true, viewport: sizes[1]!, baseURL: page.url() });
  const touched = await phone.newPage();
  await touched.goto('/');
  await touched.getByRole('button', { name: 'Phát tiếp' }).tap();
  await expect(touched.locator('#do-stop')).toBeVisible();
  await phone.close();
  await expect(page.locator('#do-stop')).toBeVisible(); // nobody loaded the page again
});

test('a slow press of stop is heard, though the page is taken anew under it', async () => {
  await page.locator('#do-stop').hover();
  await page.mouse.down();
  await (await page.waitForResponse(page.url())).finished();
  await page.waitForResponse(/live/); // by then it is on the page
  await page.mouse.up();
  await page.getByRole('button', { name: 'Phát tiếp' }).click();
  await expect(page.locator('#do-stop')).toBeVisible();
});

test('mute asks for the PIN and a reason, and is taken back', async () => {
  await page.getByRole('link', { name: 'Tắt tiếng' }).click();
  await decide('Tắt tiếng', { pin: '1357', reason: 'Đám tang trong thôn' });
  await expect(page.getByRole('alert')).toContainText('PIN_WRONG');
  await shown('mute', { dark: true });
  await expect(page.getByLabel('Lý do')).toHaveValue('Đám tang trong thôn'); // nothing is typed twice
  await page.getByLabel('Số phút').fill('30');
  await decide('Tắt tiếng');
  await expect(page.getByText('Xã tắt tiếng đến')).toBeVisible();
  await expect(page.getByText('Im lặng vì xã đang tắt tiếng')).toBeVisible();
  await shown('muted');
  await page.getByRole('link', { name: 'Bật tiếng lại' }).click();
  await decide('Bật tiếng lại');
  await expect(page.getByText('Xã tắt tiếng đến')).toHaveCount(0);
});

test('volume under the ceiling, skip, move and order', async () => {
  await page.getByRole('link', { name: 'Âm lượng' }).click();
  await page.getByLabel('Phần trăm').fill('70');
  await shown('volume');
  await decide('Âm lượng', { reason: 'Trạm y tế ở gần loa' });
  await expect(page.getByText(/Âm lượng 70 %/)).toBeVisible();

  await page.getByRole('row', { name: /nông nghiệp/ }).getByRole('link', { name: 'Bỏ qua mục này' }).click();
  await shown('skip');
  await decide('Bỏ qua mục này', { reason: 'Đã phát hôm qua' });
  await expect(page.getByRole('row', { name: /nông nghiệp/ })).toContainText('xã bỏ qua');

  await page.getByRole('row', { name: /y tế/ }).getByRole('link', { name: 'Dời giờ' }).click();
  await page.getByLabel('Giờ mới').fill('09:00');
  await decide('Dời giờ', { reason: 'Họp thôn' });
  await expect(page.getByRole('alert')).toContainText('MOVE_TIME');
  await shown('move');
  await page.getByLabel('Giờ mới').fill('19:30');
  await decide('Dời giờ');
  await expect(page.getByRole('row', { name: /y tế/ })).toContainText('19:30:00');

  await page.getByRole('link', { name: 'Đổi thứ tự' }).click();
  await shown('order', { full: true, dark: true });
  const tomorrow = page.locator('form').last();
  for (const [title, place] of [['nông nghiệp', '3'], ['y tế', '2'], ['khuyến học', '1']] as const) await tomorrow.getByLabel(new RegExp(title)).fill(place);
  await decide('Đổi thứ tự', { reason: 'Ngày hội khuyến học' });
  await expect(decided()).toContainText('đổi thứ tự');
  await page.getByRole('link', { name: 'Bản in trong ngày' }).click();
  await expect(page.getByText('Anh Hùng, 0912 345 678')).toBeVisible(); // as the hub's settings say
  await shown('sheet', { full: true, dark: true });
  await page.getByRole('link', { name: 'Ngày mai' }).click();
  await expect(page.locator('tbody tr').first()).toContainText('khuyến học');
  await page.emulateMedia({ media: 'print' });
  await page.screenshot({ fullPage: true, path: `${shots}/console-sheet-print.png` });
  await page.emulateMedia({ media: null });
  await page.getByRole('link', { name: 'Quay lại' }).click();
});

/** Puts a file into a daypart that begins like this. */
async function putIn(title: string, daypart: RegExp, as: { pin?: string; reason?: string }) {
  await page.goto('/own');
  const into = page.getByRole('option', { name: daypart }).first();
  await expect(async () => {
    await page.reload(); // the plan with the daypart may still be on its way
    await expect(into).toBeAttached({ timeout: 1000 });
  }).toPass({ timeout: 45_000 });
  await page.getByLabel('Tên bài').fill(title);
  await page.getByLabel('Buổi phát').selectOption(await into.getAttribute('value'));
  await page.getByLabel('Tệp âm thanh').setInputFiles(speech);
  await decide('Đưa vào buổi phát', as);
}

const ownItem = (title: string) => page.locator('#own li').filter({ hasText: title });

test('the commune’s own item: a file, a place, PIN and reason; then it waits for a second person', async () => {
  await page.getByRole('link', { name: 'Bài của xã' }).click();
  await expect(page.getByText('Quy định cần người thứ hai')).toBeVisible();
  await shown('own', { full: true, dark: true });
  await putIn('Lịch tiêm chủng', /buổi chiều/, { pin: '1357', reason: 'Trạm y tế nhờ' });
  await expect(page.getByRole('alert')).toContainText('PIN_WRONG');
  await expect(page.getByLabel('Tên bài')).toHaveValue('Lịch tiêm chủng');
  await page.getByLabel('Tệp âm thanh').setInputFiles(speech);
  await decide('Đưa vào buổi phát');
  await expect(ownItem('Lịch tiêm chủng')).toContainText('chờ trung tâm duyệt');
  await putIn('Quảng cáo phân bón', /buổi chiều/, { reason: 'Hợp tác xã nhờ' });
  await expect(ownItem('Quảng cáo phân bón')).toContainText('chờ trung tâm duyệt');
  await expect(page.getByRole('row', { name: /tiêm chủng/ })).toHaveCount(0); // not in the programme before it is allowed
  await shown('own-waits', { full: true });
});

test('test tone and another PIN', async () => {
  await page.getByRole('link', { name: 'Thử tiếng' }).click();
  await shown('tone');
  await decide('Thử tiếng');
  await expect(page.getByText('Đang phát tiếng thử').or(page.getByText('Tiếng thử đã ra'))).toBeVisible();
  await page.getByRole('link', { name: 'Mã PIN' }).click();
  await shown('pin');
  await page.getByLabel('Mã PIN đang dùng').fill(pin);
  await page.getByLabel('Mã PIN mới').fill('97531');
  await page.getByRole('button', { name: 'Mã PIN' }).click();
  await expect(page.locator('#do-stop')).toBeVisible();
});

test('a PC that lost the time offline is told it by hand', async () => {
  expect((await fetch(need('LOA_PC'), { method: 'POST' })).ok).toBe(true);
  await page.goto('/');
  await page.getByRole('link', { name: 'Chỉnh giờ' }).click();
  await page.getByLabel('Ngày và giờ đúng').fill('2031-01-01T10:30');
  await decide('Chỉnh giờ', { pin: '97531' });
  await expect(page.getByRole('alert')).toContainText('CLOCK_IMPLAUSIBLE');
  await shown('clock');
  const now = await fleetTime(0);
  await page.getByLabel('Ngày và giờ đúng').fill(now.slice(0, 16));
  await decide('Chỉnh giờ', { pin: '97531' });
  await expect(page.getByText('tạm tin, chưa so với máy chủ').first()).toBeVisible();
});

test('the line is mended: the hub learns of everything', async () => {
  await expect(decided().getByText('chờ gửi về trung tâm').first()).toBeVisible();
  await line('up');
  await expect(decided().getByText('chờ gửi về trung tâm')).toHaveCount(0);
  const log = await told<{ items: { kind: string; reason?: string; source: string }[] }>(chief, 'get', `agents/${agent}/decisions`);
  expect(new Set(log.items.map((d) => d.kind))).toEqual(new Set(['hold', 'release', 'mute', 'unmute', 'volume', 'skip', 'move', 'order', 'own']));
  expect(log.items.find((d) => d.kind === 'move')?.reason).toBe('Họp thôn');
});

test('an officer allows one of the commune’s items and refuses the other; what is allowed is heard', async ({ browser }) => {
  const away = await browser.newContext({ baseURL: hub, viewport: { width: 1366, height: 768 }, locale: 'en-US' });
  const office = await away.newPage();
  await signIn(office, 'CHIEF');
  await office.getByRole('link', { name: 'Chờ duyệt' }).click();
  const inbox = office.getByRole('region', { name: 'Bài riêng của xã' });
  const item = (title: string) => inbox.getByRole('article', { name: title });
  await expect(inbox.getByText('trung tâm không nghe được')).toBeVisible();
  await expect(item('Lịch tiêm chủng')).toContainText('Xã Hoằng Đạo · Cụm loa nhà văn hóa · 0:0');
  await expect(item('Lịch tiêm chủng')).toContainText('Buổi chiều 17:00–17:45');
  await expect(item('Lịch tiêm chủng')).toContainText('Trạm y tế nhờ');
  await expect(item('Lịch tiêm chủng')).toContainText('−18 LUFS');
  await look(office, 'approvals-own');

  await item('Quảng cáo phân bón').getByRole('button', { name: 'Không cho phát' }).click();
  const words = office.getByRole('dialog');
  await expect(words.getByRole('button', { name: 'Không cho phát' })).toBeDisabled(); // not without words
  await words.getByLabel('Lý do').fill('Loa của xã không quảng cáo');
  await words.getByRole('button', { name: 'Không cho phát' }).click();
  await expect(item('Quảng cáo phân bón')).toHaveCount(0);
  await item('Lịch tiêm chủng').getByRole('button', { name: 'Cho phép phát' }).click();
  await expect(office.getByText('Không còn gì chờ duyệt')).toBeVisible();

  await page.goto('/');
  await expect(ownItem('Lịch tiêm chủng')).toContainText('đã duyệt');
  await expect(page.getByRole('row', { name: /Lịch tiêm chủng/ })).toContainText('17:');
  await expect(page.getByRole('row', { name: /Lịch tiêm chủng/ })).toContainText('sẽ phát');
  await expect(ownItem('Quảng cáo phân bón')).toHaveCount(0);
  await expect(decided().getByRole('listitem').filter({ hasText: '«Quảng cáo phân bón»' }).filter({ hasText: 'Loa của xã không quảng cáo' })).toBeVisible();
  await shown('own-allowed', { full: true });

  const [from, to] = [(await fleetTime(-60)).slice(11, 16), (await fleetTime(1200)).slice(11, 16)];
  await told(chief, 'put', 'areas/hoang-dao/dayparts', { dayparts: [{ name: 'Họp chợ', start: from, end: to }] });
  await putIn('Mời họp thôn', /Họp chợ/, { pin: '97531', reason: 'Trưởng thôn nhờ' });
  await expect(ownItem('Mời họp thôn')).toContainText('chờ trung tâm duyệt');
  await item('Mời họp thôn').getByRole('button', { name: 'Cho phép phát' }).click();
  await expect(page.getByRole('row', { name: /Mời họp thôn/ })).toContainText('đã phát');
  const heard = async () => (await told<{ items: { title: string; outcome: string; owner: string }[] }>(chief, 'get', `plays?agent=${agent}`)).items.find((p) => p.title === 'Mời họp thôn');
  await expect.poll(heard).toMatchObject({ outcome: 'played', owner: 'commune' });
  await away.close();
});

test('the hub decides too, and has the PC forget its PIN', async () => {
  await told(chief, 'post', `agents/${agent}/decisions`, { kind: 'mute', reason: 'Theo lời xã' });
  await expect(page.getByText('Xã đang tắt tiếng', { exact: false }).first()).toBeVisible();
  await expect(decided().getByText('trên trung tâm').filter({ hasText: 'Theo lời xã' })).toBeVisible();
  await told(chief, 'post', `agents/${agent}/decisions`, { kind: 'pin', reason: 'Quên mã' });
  await expect(page.getByText('trước hết hãy chọn mã PIN')).toBeVisible();
  await shown('mended', { full: true, dark: true });
  await page.getByRole('link', { name: 'English' }).click();
  await expect(page.getByRole('button', { name: 'STOP' })).toBeVisible();
  await shown('english');
});
