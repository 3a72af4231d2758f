import { expect, test, type APIRequestContext, type BrowserContext, type Page } from '@playwright/test';
import { picture, shown } from './look';
import { base, choose, nameOf, passwordOf, signIn, stranger, type Who } from './people';

test.describe.configure({ mode: 'serial' });

const sins: string[] = [];
const zone = 'Asia/Ho_Chi_Minh';
let contexts: BrowserContext[] = [];
let lan: Page; // who writes
let minh: Page; // who approves
let api: Record<Who, APIRequestContext>;
let reports: Record<string, string> = {};
let length = 0; // of each, in ms

/** A day of the fleet, some days from now: 2026-11-24, and as people write it. */
function day(ahead: number) {
  const at = new Date(Date.now() + ahead * 86_400_000);
  const iso = new Intl.DateTimeFormat('en-CA', { timeZone: zone }).format(at);
  return { iso, written: iso.split('-').reverse().join('/') };
}
const written = (iso: string) => iso.split('-').reverse().join('/');
const tomorrow = day(1);

async function call<T = { id: string; version: number; state: string }>(who: Who, method: 'get' | 'post' | 'put' | 'patch' | 'delete', path: string, data?: unknown): Promise<T> {
  const answer = await api[who][method](`/api/v1/${path}`, { data });
  expect(answer.ok(), `${method} ${path}: ${await answer.text()}`).toBe(true);
  return (await answer.json()) as T;
}

/** A broadcast that is approved, unless it is to wait. */
async function planned(title: string, when: object, more: object = {}, approve = true) {
  const b = await call('AUTHOR', 'post', 'broadcasts', { title, class: 'normal', items: [{ report: reports['Luật giao thông'] }], targets: { areas: ['hoang-dao'] }, when, ...more });
  return approve ? call('CHIEF', 'post', `broadcasts/${b.id}/approve`) : b;
}

const entry = (title: string, n = 0) => lan.locator('.loa-entry', { hasText: title }).nth(n);
const dialog = (name: string | RegExp) => lan.getByRole('dialog', { name });

/** The Monday of a day's week. */
function monday(iso: string) {
  const at = new Date(`${iso}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - ((at.getUTCDay() + 6) % 7));
  return at.toISOString().slice(0, 10);
}

/** The week that tomorrow is in: on a Sunday the next one, and after midnight tomorrow is today. */
async function openCalendar() {
  await lan.goto('/calendar');
  await lan.getByText('Tuần', { exact: true }).click();
  if (monday(tomorrow.iso) !== monday(day(0).iso)) await lan.getByRole('button', { name: 'Sau', exact: true }).click();
  await expect(lan.locator('.loa-band').first()).toBeAttached();
}

/** Takes hold of an entry at a height and carries it so many pixels down; something may happen before it is let go. */
async function drag(title: string, down: number, at: 'middle' | 'bottom' = 'middle', modifier?: 'Alt', meanwhile?: () => Promise<void>) {
  const it = entry(title);
  await it.scrollIntoViewIfNeeded();
  const box = (await it.boundingBox())!;
  await lan.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await lan.mouse.move(box.x + box.width / 2, at === 'middle' ? box.y + box.height / 2 : box.y + box.height - 2);
  if (modifier) await lan.keyboard.down(modifier);
  await lan.mouse.down();
  await lan.mouse.move(box.x + box.width / 2, box.y + box.height / 2 + down, { steps: 10 });
  await meanwhile?.();
  await lan.mouse.up();
  if (modifier) await lan.keyboard.up(modifier);
}

const save = async () => {
  await lan.getByRole('button', { name: 'Lưu lịch phát' }).click();
  await expect(lan.getByText('Đã lưu, chờ duyệt').last()).toBeVisible();
  await expect(lan.getByRole('dialog')).toHaveCount(0);
};

test.beforeAll(async ({ browser, playwright }) => {
  const signedIn = async (who: Who) => {
    const c = await playwright.request.newContext({ baseURL: base });
    await c.post('/api/v1/login', { data: { name: nameOf(who), password: passwordOf(who) } });
    return c;
  };
  api = { AUTHOR: await signedIn('AUTHOR'), CHIEF: await signedIn('CHIEF') };
  const { items } = await call<{ items: { id: string; title: string; duration_ms: number }[] }>('AUTHOR', 'get', 'reports');
  length = items.find((r) => r.title === 'Luật đất đai')!.duration_ms;
  reports = Object.fromEntries(items.map((r) => [r.title, r.id]));
  contexts = [await stranger(browser, sins), await stranger(browser, sins)];
  lan = await contexts[0]!.newPage();
  minh = await contexts[1]!.newPage();
  await signIn(lan, 'AUTHOR');
  await signIn(minh, 'CHIEF');
});
test.afterAll(async () => {
  for (const c of contexts) await c.close();
  for (const a of Object.values(api)) await a.dispose();
});
test.afterEach(() => expect(sins.splice(0)).toEqual([]));

test('one day of a series is heard otherwise, and the series stays approved', async () => {
  const series = await planned('Chuỗi buổi sáng', { at: `${tomorrow.iso}T09:00:00`, rrule: 'FREQ=DAILY' });
  await openCalendar();
  await entry('Chuỗi buổi sáng').click();
  await dialog('Chi tiết lịch phát').getByRole('button', { name: 'Sửa', exact: true }).click();
  await expect(dialog('Sửa một lần hay cả chuỗi?')).toBeVisible();
  await picture(lan, 'calendar-which');
  await lan.getByRole('button', { name: `Chỉ lần ngày ${tomorrow.written}` }).click();
  await expect(lan.getByText(`Chỉ thay lần ngày ${tomorrow.written} của chuỗi.`)).toBeVisible();
  await lan.getByRole('textbox', { name: 'Giờ', exact: true }).fill('10:30');
  await lan.getByLabel('Tên lịch phát').fill('Hôm đó muộn hơn');
  await save();
  expect((await call('AUTHOR', 'get', `broadcasts/${series.id}`)).state).toBe('approved');
  const { items } = await call<{ items: { id: string; instead?: { date: string } }[] }>('AUTHOR', 'get', 'broadcasts?state=draft');
  expect(items[0]!.instead?.date).toBe(tomorrow.iso);
  await call('CHIEF', 'post', `broadcasts/${items[0]!.id}/approve`);
  const { entries } = await call<{ entries: { title: string; start: string }[] }>('AUTHOR', 'get', `calendar?area=hoang-dao&from=${tomorrow.iso}&to=${tomorrow.iso}`);
  expect(entries.map((e) => `${e.title} ${e.start.slice(11, 16)}`)).toEqual(['Hôm đó muộn hơn 10:30']);
});

test('one day is left out, survives an edit of the series, and undo brings it back', async () => {
  const b = await planned('Chuỗi buổi trưa', { at: `${tomorrow.iso}T11:00:00`, rrule: 'FREQ=DAILY' });
  await openCalendar();
  await entry('Chuỗi buổi trưa').click();
  await dialog('Chi tiết lịch phát').getByRole('button', { name: 'Bỏ lần này' }).click();
  await expect(lan.getByText(/Đã bỏ lần ngày/)).toBeVisible();
  const { days_off } = await call<{ days_off: string[] }>('AUTHOR', 'get', `broadcasts/${b.id}`);
  expect(days_off).toHaveLength(1);
  await call('AUTHOR', 'patch', `broadcasts/${b.id}`, { when: { at: `${tomorrow.iso}T11:30:00`, rrule: 'FREQ=DAILY' } });
  await call('CHIEF', 'post', `broadcasts/${b.id}/approve`);
  const on = async () => (await call<{ entries: { title: string }[] }>('AUTHOR', 'get', `calendar?area=hoang-dao&from=${days_off[0]}&to=${days_off[0]}`)).entries.filter((e) => e.title === 'Chuỗi buổi trưa').length;
  expect(await on()).toBe(0);
  await lan.getByRole('button', { name: 'Hoàn tác' }).click();
  await expect(lan.getByText(/Đã hoàn tác: bỏ ngày/)).toBeVisible();
  expect(await on()).toBe(1);
});

test('stretching is room to begin late, and only proposes', async () => {
  await planned('Dài ra', { at: `${tomorrow.iso}T13:00:00` }, { items: ['Luật giao thông', 'Luật đất đai'].map((title) => ({ report: reports[title] })) });
  await openCalendar();
  await drag('Dài ra', 60, 'bottom');
  await expect(dialog('Sửa lịch phát')).toContainText('Kéo dài nghĩa là được bắt đầu trễ tối đa');
  await expect(lan.getByLabel('Được bắt đầu trễ (phút)')).not.toHaveValue('');
  await lan.getByRole('button', { name: 'Bỏ', exact: true }).click();
});

test('pressing leaves out the reports that no longer fit; what was approved is heard until that is', async () => {
  const b = await planned('Ba phần', { at: `${tomorrow.iso}T07:00:00` }, { items: Array.from({ length: 3 }, () => ({ report: reports['Bộ luật dài'] })) });
  await openCalendar();
  await drag('Ba phần', 0, 'bottom'); // half of half an hour, in which one of ten minutes has room
  const form = dialog('Sửa lịch phát');
  await expect(form).toContainText('Rút ngắn đã bỏ 2 phóng sự cuối.');
  await expect(form).toContainText('vẫn phát như cũ đến khi bản sửa được duyệt');
  await expect(form.getByText(/^1\. Bộ luật dài/)).toBeVisible();
  await expect(form.getByText(/^2\. /)).toHaveCount(0);
  await picture(lan, 'form-pressed');
  await save();
  expect(await call('AUTHOR', 'get', `broadcasts/${b.id}`)).toMatchObject({ state: 'draft', heard_version: 1, items: [{ report: reports['Bộ luật dài'] }] });
  await expect(entry('Ba phần', 1)).toBeAttached(); // both are shown
  await expect(lan.locator('.loa-entry.loa-draft', { hasText: 'Ba phần' })).toHaveCount(1);
  await lan.locator('.loa-entry.loa-draft', { hasText: 'Ba phần' }).click();
  await expect(dialog('Chi tiết lịch phát')).toContainText('Bản đã duyệt vẫn phát đến khi bản sửa này được duyệt.');
  await lan.keyboard.press('Escape');
  await call('CHIEF', 'post', `broadcasts/${b.id}/approve`);
  await expect(lan.locator('.loa-entry', { hasText: 'Ba phần' })).toHaveCount(1);
});

test('a copy by keyboard and one by Alt and the mouse are new broadcasts; undo takes them back', async () => {
  await planned('Bản gốc', { at: `${tomorrow.iso}T14:00:00` });
  await openCalendar();
  await entry('Bản gốc').focus();
  await lan.keyboard.press('Enter');
  await dialog('Chi tiết lịch phát').getByRole('button', { name: 'Nhân bản' }).click();
  await expect(lan.getByText('Bản sao. Lưu để lập lịch mới.')).toBeVisible();
  await lan.getByLabel('Tên lịch phát').fill('Bản sao thứ nhất');
  await lan.getByRole('textbox', { name: 'Giờ', exact: true }).fill('15:00');
  await save();
  await drag('Bản gốc', 90, 'middle', 'Alt');
  await expect(lan.getByText('Bản sao. Lưu để lập lịch mới.')).toBeVisible();
  await lan.getByLabel('Tên lịch phát').fill('Bản sao thứ hai');
  await save();
  await expect(entry('Bản sao thứ hai')).toBeAttached();
  await lan.keyboard.press('Control+z');
  await expect(lan.getByText('Đã hoàn tác: lập «Bản sao thứ hai»')).toBeVisible();
  await expect(entry('Bản sao thứ hai')).toHaveCount(0);
  await lan.reload(); // the steps before are not lost
  await lan.getByRole('button', { name: 'Hoàn tác' }).click();
  await expect(lan.getByText('Đã hoàn tác: lập «Bản sao thứ nhất»')).toBeVisible();
});

test('a drag is taken back by undo, step after step', async () => {
  const b = await planned('Kéo nhầm', { at: `${tomorrow.iso}T16:00:00` });
  await openCalendar();
  await drag('Kéo nhầm', -60);
  await save();
  const at = async () => (await call<{ when: { at: string } }>('AUTHOR', 'get', `broadcasts/${b.id}`)).when.at.slice(11, 16);
  expect(await at()).not.toBe('16:00');
  await lan.getByRole('button', { name: 'Hoàn tác' }).click();
  await expect(lan.getByText(/Đã hoàn tác: sửa «Kéo nhầm»/)).toBeVisible();
  expect(await at()).toBe('16:00');
});

test('what others plan meanwhile does not take a drag out of the hand', async () => {
  const b = await planned('Đang kéo', { at: `${tomorrow.iso}T17:00:00` });
  await openCalendar();
  for (const title of ['Chen vào', 'Chen vào nữa']) {
    await drag('Đang kéo', -60, 'middle', undefined, async () => {
      const told = lan.waitForResponse(async (r) => r.url().includes('/api/v1/calendar?') && (await r.text()).includes(title));
      await planned(title, { at: `${tomorrow.iso}T18:00:00` });
      await told;
      await lan.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    });
    await expect(dialog('Sửa lịch phát')).toBeVisible();
    await lan.getByRole('button', { name: 'Bỏ', exact: true }).click();
    await expect(entry(title)).toBeAttached(); // and then it is shown
    await expect(lan.locator('.loa-entry', { hasText: 'Đang kéo' })).toHaveText(/17:00/); // once, and where it is
  }
  expect((await call<{ when: { at: string } }>('AUTHOR', 'get', `broadcasts/${b.id}`)).when.at).toContain('17:00');
});

test('a conflict says by how much and by which rule; move, shorten and let it be', async () => {
  await call('CHIEF', 'patch', 'areas/lien-chau', { policy: { windows: [{ start: '00:00', end: '24:00' }], minutes_per_daypart: 1 } });
  await lan.goto('/calendar');
  await lan.getByRole('button', { name: 'Lập lịch phát' }).click();
  for (const title of ['Luật giao thông', 'Luật đất đai']) await choose(lan, 'Thêm phóng sự…', new RegExp(title));
  await choose(lan, 'Địa bàn', /Liên Châu/);
  await lan.keyboard.press('Escape');
  await choose(lan, 'Buổi phát', /Buổi chiều/);
  await lan.getByRole('textbox', { name: 'Ngày', exact: true }).fill(tomorrow.written);
  await planned('Đã có trong buổi', { daypart: 'evening', date: tomorrow.iso }, { targets: { areas: ['lien-chau'] }, items: Array.from({ length: Math.floor(60_000 / length) }, () => ({ report: reports['Luật đất đai'] })), class: 'priority' });
  await lan.getByLabel('Tên lịch phát').fill('Chật chỗ');
  await expect(lan.getByText('Cần xem lại')).toBeVisible();
  const form = lan.getByRole('dialog');
  await expect(form).toContainText('Quy định: tối đa 1 phút mỗi buổi.');
  await expect(form).toContainText(/Vượt (\d+ phút )?\d+ giây/);
  await form.getByText('Cần xem lại').scrollIntoViewIfNeeded();
  await shown(lan, 'form-conflict');
  await form.getByRole('button', { name: 'Để nguyên' }).first().click();
  await expect(form.getByText('Đã chấp nhận')).toBeVisible();
  await form.getByRole('button', { name: 'Xem lại' }).click();
  await form.getByRole('button', { name: 'Bỏ bớt' }).first().click();
  await expect(form.getByText(/^2\. /)).toHaveCount(0);
  await form.getByRole('button', { name: /^Dời đến Buổi/ }).first().click();
  await expect(form.getByText('Không có xung đột.')).toBeVisible();
  await form.getByRole('button', { name: 'Bỏ', exact: true }).click();
});

test('tags and holidays: given by an admin, planned by', async () => {
  await minh.goto('/calendar');
  await choose(minh, 'Địa bàn', /Hoằng Đạo/);
  await minh.getByRole('button', { name: 'Nhãn và ngày nghỉ' }).click();
  const marks = minh.getByRole('dialog');
  await marks.getByLabel('Nhãn của địa bàn').fill('biên giới');
  await minh.keyboard.press('Enter');
  await marks.getByLabel('Ngày', { exact: true }).fill(tomorrow.written);
  await marks.getByLabel('Tên ngày nghỉ').fill('Hội làng');
  await marks.getByRole('button', { name: 'Thêm ngày nghỉ' }).click();
  await shown(minh, 'marks');
  await marks.getByRole('button', { name: 'Lưu' }).click();
  await expect(minh.getByText('Đã lưu nhãn và ngày nghỉ')).toBeVisible();
  await lan.goto('/calendar');
  await lan.getByRole('button', { name: 'Lập lịch phát' }).click();
  await choose(lan, 'Thêm phóng sự…', /Luật đất đai/);
  await choose(lan, 'Địa bàn', /Quảng Ninh$/);
  await lan.keyboard.press('Escape');
  await lan.getByRole('button', { name: /^Chọn kỹ hơn/ }).click();
  await choose(lan, 'Chỉ nơi mang nhãn (không bắt buộc)', 'biên giới');
  await lan.keyboard.press('Escape');
  await lan.getByText('Đúng giờ', { exact: true }).click();
  await lan.getByRole('textbox', { name: 'Giờ', exact: true }).fill('19:00');
  await choose(lan, 'Lặp lại', 'Hằng ngày');
  await lan.getByLabel('Không phát vào ngày nghỉ lễ của địa bàn').check();
  const form = lan.getByRole('dialog');
  await expect(form.getByText('1 cụm loa', { exact: true }).first()).toBeVisible(); // of two
  await expect(form.getByRole('list').first()).not.toContainText(tomorrow.written.slice(0, 5));
  await choose(lan, 'Thêm từng cụm loa (không bắt buộc)', /Cụm loa bến đò.*mất kết nối/);
  await lan.keyboard.press('Escape');
  await expect(form.getByText('2 cụm loa', { exact: true }).first()).toBeVisible(); // for one of them it is no holiday
  await picture(lan, 'form-targets');
  await form.getByRole('button', { name: 'Bỏ', exact: true }).click();
  await call('CHIEF', 'patch', 'areas/hoang-dao', { holidays: [] });
});

test('a draft is read, heard and compared, goes back with words, and comes again', async () => {
  const b = await planned('Cần sửa', { at: `${tomorrow.iso}T18:30:00` });
  await call('AUTHOR', 'patch', `broadcasts/${b.id}`, { title: 'Cần sửa', when: { at: `${tomorrow.iso}T18:45:00` }, items: Object.values(reports).map((report) => ({ report })) });
  await minh.goto('/approvals');
  const card = minh.locator('section', { hasText: 'Lịch phát' }).locator('.mantine-Card-root', { hasText: 'Cần sửa' });
  await card.getByRole('button', { name: 'Xem và duyệt' }).click();
  const show = minh.getByRole('dialog', { name: 'Chi tiết lịch phát' });
  const changes = show.getByRole('table', { name: 'Thay đổi so với bản đã duyệt' });
  await expect(changes).toContainText('18:30');
  await expect(changes).toContainText('18:45');
  await show.getByRole('button', { name: 'Nghe: Luật giao thông' }).click();
  await expect(show.getByRole('slider', { name: 'Vị trí nghe' })).toBeVisible();
  await shown(minh, 'approve-changes');
  await show.getByRole('button', { name: 'Trả lại' }).click();
  await minh.getByLabel('Cần sửa gì').fill('Xin để 18:30 như cũ');
  await minh.getByRole('dialog', { name: 'Trả lại cho tác giả' }).getByRole('button', { name: 'Trả lại' }).click();
  await expect(minh.getByText('Đã trả lại cho tác giả')).toBeVisible();
  await lan.goto('/approvals');
  const back = lan.getByRole('region', { name: 'Đã trả lại, chờ tác giả sửa' });
  await expect(back).toContainText('Xin để 18:30 như cũ');
  await shown(lan, 'approvals-returned');
  await back.getByRole('button', { name: 'Gửi duyệt lại' }).click();
  await expect(lan.getByText('Đã gửi duyệt lại')).toBeVisible();
  await expect(minh.getByRole('region', { name: 'Lịch phát' })).toContainText('Cần sửa'); // nobody loaded the page again
});

test('readiness tells per cluster how far it is, how many per cent, and the time left', async () => {
  const soon = new Date(Date.now() + 90 * 60_000);
  const part = (o: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat('en-CA', { timeZone: zone, hourCycle: 'h23', ...o }).format(soon);
  await planned('Sắp phát', { at: `${part({ year: 'numeric', month: '2-digit', day: '2-digit' })}T${part({ hour: '2-digit', minute: '2-digit' })}:00` });
  await lan.goto('/readiness');
  const slot = lan.getByRole('region', { name: 'Sắp phát' }).first();
  await expect(slot).toContainText('0 trên 1 cụm loa sẵn sàng');
  await expect(slot).toContainText(/chưa từng kết nối|mất kết nối từ/);
  await slot.getByRole('button', { name: 'Xem mọi cụm loa' }).click();
  const row = slot.getByRole('row', { name: /Cụm loa nhà văn hóa/ });
  await expect(row).toContainText('0%');
  await expect(row).toContainText(/1 giờ (29|30) phút nữa phát/);
  await shown(lan, 'readiness-clusters');
});

test('why: of an instant to come, what will play and what lost', async () => {
  await planned('Ưu tiên thắng', { at: `${tomorrow.iso}T20:00:00` }, { class: 'priority' });
  await planned('Thường thua', { at: `${tomorrow.iso}T20:00:00` });
  const agents = await call<{ items: { id: string; name: string }[] }>('AUTHOR', 'get', 'agents');
  const id = agents.items.find((a) => a.name === 'Cụm loa nhà văn hóa')!.id;
  await lan.goto(`/why?agent=${id}&at=${encodeURIComponent(`${tomorrow.iso}T20:00:05`)}`);
  await expect(lan.getByRole('heading', { name: 'Phát «Ưu tiên thắng»' })).toBeVisible();
  await expect(lan.getByText('trùng giờ với lịch khác').first()).toBeVisible();
});

test('a form outlives the end of the session', async () => {
  await openCalendar();
  await lan.getByRole('button', { name: 'Lập lịch phát' }).click();
  await lan.getByLabel('Tên lịch phát').fill('Không được mất');
  await contexts[0]!.clearCookies();
  await choose(lan, 'Thêm phóng sự…', /Luật đất đai/).catch(() => undefined); // it asks the hub, which knows nobody any more
  const again = lan.getByRole('dialog', { name: 'Phiên làm việc đã hết hạn' });
  await expect(async () => {
    if (!(await again.isVisible())) await lan.getByLabel('Tên lịch phát').fill('Không được mất');
    await expect(again).toBeVisible({ timeout: 3000 });
  }).toPass();
  await again.getByLabel('Mật khẩu').last().fill(passwordOf('AUTHOR'));
  await again.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(again).toHaveCount(0);
  await expect(lan.getByLabel('Tên lịch phát')).toHaveValue('Không được mất');
  await lan.getByRole('button', { name: 'Bỏ', exact: true }).click();
});

test('a form outlives an answer that failed', async () => {
  const b = await planned('Gõ dở', { at: `${tomorrow.iso}T21:00:00` });
  await openCalendar();
  await entry('Gõ dở').click();
  await dialog('Chi tiết lịch phát').getByRole('button', { name: 'Sửa', exact: true }).click();
  await lan.getByLabel('Tên lịch phát').fill('Gõ xong');
  const path = `**/api/v1/broadcasts/${b.id}`;
  await lan.route(path, (route) => (route.request().method() === 'GET' ? route.fulfill({ status: 500, contentType: 'application/problem+json', json: { code: 'INTERNAL', vi: 'Lỗi', en: 'Error' } }) : route.fallback()));
  const failed = lan.waitForResponse((r) => r.url().endsWith(b.id) && r.status() === 500);
  await planned('Việc khác', { at: `${tomorrow.iso}T22:00:00` }, {}, false); // what is shown of broadcasts is asked for anew
  await failed;
  await lan.unroute(path, undefined);
  await save();
  expect(await call('AUTHOR', 'get', `broadcasts/${b.id}`)).toMatchObject({ title: 'Gõ xong' });
});

test('lists that load, fail and are empty say so', async () => {
  await lan.route('**/api/v1/calendar?*', (r) => r.fulfill({ status: 500, contentType: 'application/problem+json', body: JSON.stringify({ code: 'INTERNAL', status: 500, title: 'x', vi: 'Máy chủ gặp lỗi. Hãy thử lại.', en: 'x' }) }));
  await lan.goto('/calendar');
  await expect(lan.getByRole('alert')).toContainText('Máy chủ gặp lỗi. Hãy thử lại.');
  await picture(lan, 'calendar-failing');
  await lan.unroute('**/api/v1/calendar?*');
  await lan.getByRole('button', { name: 'Thử lại' }).click();
  await expect(lan.getByRole('alert')).toHaveCount(0);
  await lan.route('**/api/v1/plays?*', async (r) => {
    await new Promise((go) => setTimeout(go, 1500));
    await r.continue();
  });
  await lan.goto('/plays');
  await expect(lan.getByRole('status', { name: 'Đang tải…' })).toBeVisible();
  await expect(lan.getByText('Chưa có lần phát nào')).toBeVisible();
  await lan.unroute('**/api/v1/plays?*');
});

test('a page follows midnight of the fleet by the clock of the hub, wherever the browser is and whatever its PC has for a date', async () => {
  const page = await contexts[0]!.newPage();
  await page.clock.install({ time: new Date('2000-01-01T00:00:20Z') }); // a battery that is empty
  let hub = new Date(`${day(0).iso}T23:59:40+07:00`);
  await page.route('**/api/v1/**', async (r) => {
    const response = await r.fetch();
    await r.fulfill({ response, headers: { ...response.headers(), date: hub.toUTCString() } });
  });
  await page.goto('/calendar');
  await expect(page.getByRole('heading', { level: 2 })).toContainText(`${written(monday(day(0).iso))} –`);
  await page.goto('/plays');
  await expect(page.getByLabel('Đến ngày')).toHaveValue(day(0).written);
  hub = new Date(hub.getTime() + 40_000);
  await page.clock.fastForward(40_000);
  await expect(page.getByLabel('Đến ngày')).toHaveValue(written(day(1).iso));
  await page.unrouteAll({ behavior: 'ignoreErrors' });
  await page.close();
});

test('the month and the week, full, at each size', async () => {
  await openCalendar();
  await lan.getByText('Tháng', { exact: true }).click();
  await expect(lan.locator('.loa-entry').first()).toBeVisible();
  await shown(lan, 'calendar-full-month');
  await lan.setViewportSize({ width: 390, height: 844 });
  const clipped = () => lan.locator('.loa-entry').evaluateAll((all) => all.flatMap((e) => [e, ...e.querySelectorAll('*')]).filter((e) => (e as HTMLElement).offsetParent && e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1).map((e) => `${e.className} ${e.textContent} ${e.scrollWidth} ${e.clientWidth}`));
  await expect.poll(clipped).toEqual([]);
  await lan.setViewportSize({ width: 1366, height: 768 });
});
