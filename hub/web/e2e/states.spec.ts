import { expect, test, type Page, type Route } from '@playwright/test';
import { base, choose, nameOf, passwordOf, shots, signIn, stranger } from './people';

// What every list shows while its answer is on its way, when it failed, and when there is nothing in it.

/** Where each list is, and what it says when it is empty. */
const lists: Record<string, string | RegExp> = {
  '/': 'Chưa có phóng sự nào',
  '/calendar': /Chưa có lịch phát nào trong khoảng này/,
  '/approvals': 'Không còn gì chờ duyệt',
  '/readiness': 'Không có gì sắp phát',
  '/plays': 'Chưa có lần phát nào',
  '/evidence': 'Chưa có số liệu',
  '/why': 'Chưa có cụm loa nào',
  '/urgent': 'Chưa có bản tin nào',
  '/fleet': 'Chưa có cụm loa nào',
  '/alarms': 'Không có cảnh báo nào',
  '/commune': 'Chưa có cụm loa nào',
  '/people': 'Chưa có ai',
  '/areas': 'Chưa có địa bàn nào',
  '/audit': 'Không có dòng nào',
  '/pairing': 'Không còn cụm nào chờ ghép',
};

/** Pages of one thing, which is never empty. */
const single = ['/system', '/evidence/print', '/reports/one', '/fleet/one'];

const failure = { type: 'urn:loa:problem:INTERNAL', title: 'Internal Server Error', status: 500, code: 'INTERNAL', detail: '', vi: 'Máy chủ gặp lỗi. Hãy thử lại sau ít phút.', en: 'The hub failed. Try again in some minutes.', request_id: 'e2e' };

/** Answers of the hub as a test wants them: none before `go`, then all failing, and empty after `mend`. */
async function staged(page: Page) {
  let go = () => undefined as void;
  let gate = Promise.resolve();
  let failing = true;
  await page.route('**/api/v1/**', async (route: Route) => {
    const { pathname } = new URL(route.request().url());
    if (/\/(me|events|login)$/.test(pathname)) return route.fallback();
    await gate;
    if (failing) return route.fulfill({ status: 500, contentType: 'application/problem+json', json: failure });
    const response = await route.fetch();
    const body = (await response.json()) as Record<string, unknown>;
    return route.fulfill({ response, json: Object.fromEntries(Object.entries(body).map(([k, v]) => [k, Array.isArray(v) ? [] : v])) });
  });
  return {
    hold: () => {
      failing = true;
      gate = new Promise((done) => (go = done));
    },
    go: () => go(),
    mend: () => void (failing = false),
  };
}

let page: Page;
const sins: string[] = [];

test.beforeAll(async ({ browser }) => {
  page = await (await stranger(browser, sins)).newPage();
  await signIn(page, 'CHIEF');
});
test.afterAll(async () => {
  await page.context().close();
  expect(sins).toEqual([]);
});

test('each list says that it loads, that it failed and what to do, and that it is empty', async () => {
  const hub = await staged(page);
  const again = page.getByRole('button', { name: 'Thử lại' });
  for (const path of [...Object.keys(lists), ...single])
    await test.step(path, async () => {
      const empty = lists[path];
      hub.hold();
      await page.goto(path);
      await expect(page.getByRole('status', { name: 'Đang tải' }).or(page.getByText('Đang tải…')).first()).toBeVisible();
      if (empty) await expect(page.getByText(empty)).toHaveCount(0); // not before it is known
      hub.go();
      await expect(page.getByRole('alert').filter({ hasText: failure.vi }).first()).toBeVisible();
      await expect(again.first()).toBeVisible();
      await expect(page.getByRole('status', { name: 'Đang tải' })).toHaveCount(0); // what failed does not look as if it came
      if (!empty) return;
      await expect(page.getByText(empty)).toHaveCount(0); // nor as if there were nothing
      for (const width of [1366, 390]) {
        await page.setViewportSize({ width, height: 800 });
        await expect.poll(() => page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth), `${path} at ${width}`).toBeLessThanOrEqual(0);
        await page.screenshot({ animations: 'disabled', path: `${shots}/failing-${path.replaceAll('/', '-')}-${width}.png` });
      }
      await page.setViewportSize({ width: 1366, height: 768 });
      hub.mend();
      await again.first().click();
      await expect(page.getByText(empty).first()).toBeVisible();
      await expect(page.getByRole('alert').filter({ hasText: failure.vi })).toHaveCount(0);
    });
  await page.unrouteAll({ behavior: 'wait' });
});

test('what somebody between here and the hub answers is no answer, even without a word', async () => {
  await page.route('**/api/v1/reports**', (route) => route.fulfill({ status: 502, body: '' }));
  await page.goto('/');
  await expect(page.getByRole('alert')).toContainText('Không nối được với máy chủ');
  await page.unrouteAll({ behavior: 'wait' });
  await page.getByRole('button', { name: 'Thử lại' }).click();
  await expect(page.getByText('Chưa có phóng sự nào')).toBeVisible();
});

test('a day that no month has is not taken for another', async () => {
  await page.goto('/plays');
  const from = page.getByLabel('Từ ngày');
  const before = await from.inputValue();
  await from.fill('31/02/2026');
  await from.press('Tab');
  await expect(from).toHaveValue(before);
});

test('a sign-out that the hub did not hear is not silent', async () => {
  await page.context().setOffline(true);
  await page.getByRole('button', { name: /^Đăng xuất/ }).click();
  await expect(page.getByRole('alert').filter({ hasText: 'Không nối được với máy chủ' })).toBeVisible();
  await page.context().setOffline(false);
});

test('a line that breaks while somebody signs in again takes nothing from the page', async () => {
  await page.goto('/people');
  await page.getByRole('button', { name: 'Mời người dùng' }).click();
  await page.getByLabel('Tên đăng nhập').fill('thu.van-hoa');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'Mời người dùng' }).last().click();
  const door = page.getByRole('dialog', { name: 'Phiên làm việc đã hết' });
  await door.getByLabel('Mật khẩu').first().fill(passwordOf('CHIEF'));
  await page.route('**/api/v1/me', (route) => route.abort());
  await door.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(door.getByRole('alert')).toContainText('Không nối được với máy chủ');
  await page.unrouteAll({ behavior: 'wait' });
  await door.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(page.getByRole('dialog').filter({ hasText: 'thu.van-hoa' })).toBeVisible(); // what was asked for is done
});

test('a state is read whole beside a long name', async () => {
  const title = 'Phóng sự về công tác tuyên truyền, phổ biến, giáo dục pháp luật cho đồng bào dân tộc thiểu số vùng sâu, vùng xa, biên giới, hải đảo';
  const made = await page.request.post('/api/v1/reports', { multipart: { title, audio: { name: 'tieng.wav', mimeType: 'audio/wav', buffer: tone() } } });
  expect(made.ok(), await made.text()).toBe(true);
  await page.goto('/');
  const state = page.getByRole('row', { name: title }).getByText('Chờ duyệt');
  await expect(state).toBeVisible();
  expect(await state.evaluate((l) => l.scrollWidth - l.clientWidth)).toBeLessThanOrEqual(0);
});

test('the word for a live bulletin is the same word with its marks set apart', async ({ playwright }) => {
  const lan = await playwright.request.newContext({ baseURL: base });
  expect((await lan.post('/api/v1/login', { data: { name: nameOf('AUTHOR'), password: passwordOf('AUTHOR') } })).ok()).toBe(true);
  const made = (await (await page.request.get('/api/v1/reports')).json()) as { items: { id: string }[] };
  const report = made.items[0]!.id;
  expect((await lan.post(`/api/v1/reports/${report}/approve`)).ok()).toBe(true);
  const bulletin = await lan.post('/api/v1/urgent', { data: { kind: 'live', items: [{ report }], targets: { areas: ['hoang-dao'] }, until: new Date(Date.now() + 3_600_000).toISOString() } });
  expect(bulletin.ok(), await bulletin.text()).toBe(true);
  await lan.dispose();
  await page.goto('/urgent');
  await page.getByRole('button', { name: 'Kiểm tra để phát' }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Gõ chữ PHÁT để xác nhận').fill('phát'.normalize('NFD')); // as «Unicode tổ hợp» of Vietnamese keyboards has it
  await expect(form.getByRole('button', { name: 'Phát ngay' })).toBeEnabled();
});

test('a bulletin ends when it should, though the clock of the PC is a day ahead', async () => {
  await page.clock.setSystemTime(Date.now() + 86_400_000);
  await page.goto('/urgent');
  await page.getByRole('button', { name: /^Diễn tập/ }).click();
  await choose(page, 'Phóng sự', /Phóng sự về công tác/);
  await page.keyboard.press('Escape');
  await choose(page, 'Địa bàn', /Xã Hoằng Đạo/);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Tiếp', exact: true }).click();
  const [made] = await Promise.all([page.waitForResponse((r) => r.request().method() === 'POST' && r.url().endsWith('/urgent')), page.getByRole('button', { name: 'Gửi người thứ hai duyệt' }).click()]);
  expect(made.ok(), await made.text()).toBe(true);
  const { until } = (await made.json()) as { until: string };
  expect(Math.abs(Date.parse(until) - Date.now() - 3_600_000)).toBeLessThan(60_000);
});

test('in English one is not many', async () => {
  await page.goto('/');
  await page.getByText('EN', { exact: true }).click();
  await page.getByRole('button', { name: 'Upload', exact: true }).click();
  for (const send of ['Upload 1 file', 'Upload 2 files']) {
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Choose files' }).click()]);
    await chooser.setFiles({ name: 'tieng.wav', mimeType: 'audio/wav', buffer: tone() });
    await expect(page.getByRole('button', { name: send, exact: true })).toBeVisible();
  }
});

/** Two seconds of 440 Hz. */
function tone(): Buffer {
  const wav = Buffer.alloc(44 + 2 * 32_000);
  wav.write('RIFF');
  wav.writeUInt32LE(wav.length - 8, 4);
  wav.write('WAVEfmt ', 8);
  [16, 0x10001, 16_000, 32_000, 0x100002].forEach((n, i) => wav.writeUInt32LE(n, 16 + 4 * i));
  wav.write('data', 36);
  wav.writeUInt32LE(wav.length - 44, 40);
  for (let i = 0; i < 32_000; i++) wav.writeInt16LE(Math.round(8000 * Math.sin((2 * Math.PI * 440 * i) / 16_000)), 44 + 2 * i);
  return wav;
}
