import { copyFile, readFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { picture, shown } from './look';
import { base, choose, fleetTime, hub, line, nameOf, passwordOf, shots, signIn, speech, stranger } from './people';

test.describe.configure({ mode: 'serial' });

const sins: string[] = []; // requests to others, what the policy refused, errors on pages
let author: BrowserContext;
let chief: BrowserContext;
let lan: Page;
let minh: Page;
let planned: { day: string; time: string };

const title = 'Tim hieu phap luat so 1';

test.beforeAll(async ({ browser }) => {
  author = await stranger(browser, sins);
  chief = await stranger(browser, sins);
  lan = await author.newPage();
  minh = await chief.newPage();
});
test.afterAll(async () => {
  await author.close();
  await chief.close();
});
test.afterEach(() => expect(sins.splice(0)).toEqual([]));

test('the door: a wrong password is told, the right one opens', async () => {
  await lan.goto('/');
  await lan.getByLabel('Tên đăng nhập').fill(nameOf('AUTHOR'));
  await lan.getByLabel('Mật khẩu').first().fill('sai mat khau roi');
  await lan.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(lan.getByRole('alert')).toContainText('không đúng');
  await shown(lan, 'signin');
  await signIn(lan, 'AUTHOR');
  await signIn(minh, 'CHIEF');
});

test('the first page is at most 200 kB of script, and asks nobody who is signed in to sign in again', async ({ browser }) => {
  const empty = await browser.newContext({ baseURL: base, storageState: await author.storageState() }); // nothing cached
  const fresh = await empty.newPage();
  const scripts: Promise<number>[] = [];
  fresh.on('requestfinished', (r) => {
    if (r.resourceType() === 'script') scripts.push(r.sizes().then((s) => s.responseBodySize));
  });
  await fresh.goto('/');
  await expect(fresh.getByText('Chưa có phóng sự nào')).toBeVisible();
  const bytes = (await Promise.all(scripts)).reduce((sum, n) => sum + n, 0);
  console.log(`page-script-kb ${(bytes / 1000).toFixed(1)} in ${scripts.length} files`);
  expect(scripts.length).toBeGreaterThan(1);
  expect(bytes).toBeGreaterThan(50_000); // else it was a cache that answered
  expect(bytes).toBeLessThanOrEqual(200_000);
  await empty.close();
});

test('an empty library says what to do', async () => {
  await expect(lan.getByText('Chưa có phóng sự nào')).toBeVisible();
  await shown(lan, 'library-empty');
});

test('many files are uploaded with their titles, and processed before one’s eyes', async () => {
  await lan.getByRole('button', { name: 'Tải lên' }).click();
  const [chooser] = await Promise.all([lan.waitForEvent('filechooser'), lan.getByRole('button', { name: 'Chọn tệp' }).click()]);
  await chooser.setFiles([
    { name: basename(speech), mimeType: 'audio/wav', buffer: await readFile(speech) },
    { name: 'khong phai am thanh.mp3', mimeType: 'audio/mpeg', buffer: Buffer.from('<html>no sound</html>') },
  ]);
  await expect(lan.getByLabel('Tên phóng sự').first()).toHaveValue(title);
  await lan.getByRole('combobox', { name: 'Chuyên mục', exact: true }).fill('Tìm hiểu pháp luật');
  await lan.getByRole('button', { name: 'Thêm văn bản' }).click();
  await lan.getByLabel('Số hiệu').fill('91/2015/QH13');
  await shown(lan, 'upload');
  await lan.getByRole('button', { name: 'Tải 2 tệp lên' }).click();
  // The one that is no sound fails; the other goes on.
  await expect(lan.getByRole('row', { name: 'khong phai am thanh' }).getByText('Lỗi')).toBeVisible();
  await lan.getByRole('link', { name: title, exact: true }).first().click();
  await expect(lan.getByRole('heading', { level: 1, name: title })).toBeVisible();
  await expect(lan.getByText('Chờ duyệt').first()).toBeVisible();
});

test('a report is heard and seen, its level in plain words', async () => {
  await expect(lan.getByText(/Âm lượng đạt chuẩn/)).toBeVisible();
  const play = lan.getByRole('button', { name: `Nghe: ${title}` });
  await expect(play).toBeEnabled();
  await play.click();
  await expect(lan.getByRole('slider', { name: 'Vị trí nghe' })).not.toHaveValue('0');
  await lan.getByRole('button', { name: `Dừng nghe: ${title}` }).click();
  await shown(lan, 'report');
});

test('search finds a report without marks', async () => {
  await lan.goto('/');
  const search = lan.getByRole('searchbox', { name: 'Tìm phóng sự' });
  await search.fill('phap luat tim hieu');
  await expect(lan.getByRole('link', { name: title })).toBeVisible();
  await search.fill('giao thong');
  await expect(lan.getByText('Không tìm thấy phóng sự nào')).toBeVisible();
  await lan.getByRole('button', { name: 'Bỏ tìm và bộ lọc' }).click();
  await lan.getByText('Chờ duyệt', { exact: true }).and(lan.locator('label *')).click(); // what the menu counts too, asked for otherwise
  await expect(lan.getByRole('link', { name: title })).toBeVisible();
  await expect(lan.getByRole('link', { name: 'khong phai am thanh' })).toHaveCount(0);
  await lan.getByText('Tất cả', { exact: true }).click();
  await shown(lan, 'library');
});

test('the second person finds it in the inbox, listens and approves; the first sees it at once', async () => {
  await minh.getByRole('link', { name: 'Chờ duyệt' }).click();
  await minh.getByRole('button', { name: 'Nghe rồi duyệt' }).click();
  await expect(minh.getByRole('button', { name: `Nghe: ${title}` })).toBeEnabled();
  await shown(minh, 'approvals');
  await minh.getByRole('button', { name: 'Duyệt', exact: true }).click();
  await expect(minh.getByText('Không còn gì chờ duyệt')).toBeVisible();
  await picture(minh, 'approvals-empty');
  await expect(lan.getByRole('row', { name: title }).getByText('Đã duyệt')).toBeVisible(); // nobody loaded the page again
});

test('the officer schedules it by the form alone, with the next times before saving', async () => {
  await lan.getByRole('link', { name: 'Lịch phát' }).click();
  await lan.getByRole('button', { name: 'Lập lịch phát' }).click();
  await choose(lan, 'Thêm phóng sự…', new RegExp(title));
  await choose(lan, 'Địa bàn', /Hoằng Đạo/);
  await lan.keyboard.press('Escape');
  await lan.getByText('Đúng giờ', { exact: true }).click();
  planned = fleetTime(60);
  await lan.getByRole('textbox', { name: 'Ngày', exact: true }).fill(planned.day);
  await lan.getByRole('textbox', { name: 'Giờ', exact: true }).fill(planned.time);
  await expect(lan.getByText('Các lần phát tới')).toBeVisible();
  await expect(lan.getByRole('dialog').getByText(planned.time.slice(0, 5)).first()).toBeVisible();
  await lan.getByRole('button', { name: 'Lưu lịch phát' }).click();
  await expect(lan.getByText('Đã lưu, chờ duyệt')).toBeVisible();
  await minh.getByRole('link', { name: 'Chờ duyệt' }).click();
  await minh.getByRole('button', { name: 'Xem và duyệt' }).click();
  await minh.getByRole('button', { name: 'Duyệt lịch phát' }).click();
  await expect(minh.getByText('Đã duyệt lịch phát')).toBeVisible();
});

test('a session that ends in the middle of a form loses nothing; a rule is said by weekdays', async () => {
  await lan.getByRole('button', { name: 'Lập lịch phát' }).click();
  await lan.getByLabel('Tên lịch phát').fill('Pháp luật hằng tuần');
  await choose(lan, 'Thêm phóng sự…', new RegExp(title));
  await choose(lan, 'Địa bàn', /Quảng Ninh$/);
  await lan.keyboard.press('Escape');
  await choose(lan, 'Buổi phát', /Buổi chiều/);
  await choose(lan, 'Lặp lại', 'Theo thứ');
  for (const day of ['T3', 'T5', 'T7', 'CN']) // never more than 48 hours apart, for the readiness below
    await lan.getByText(day, { exact: true }).click();
  await expect(lan.getByText('Không có xung đột.').or(lan.getByText('Cần xem lại'))).toBeVisible();
  await shown(lan, 'form');
  await author.clearCookies();
  await lan.getByRole('button', { name: 'Lưu lịch phát' }).click();
  await expect(lan.getByText('Phiên làm việc đã hết hạn')).toBeVisible();
  await shown(lan, 'signin-again');
  await lan.getByRole('dialog').getByLabel('Mật khẩu').last().fill(passwordOf('AUTHOR'));
  await lan.getByRole('button', { name: 'Đăng nhập' }).click();
  await expect(lan.getByText('Đã lưu, chờ duyệt').first()).toBeVisible();
  await minh.getByRole('button', { name: 'Xem và duyệt' }).click();
  await minh.getByRole('button', { name: 'Duyệt lịch phát' }).click();
  await expect(minh.getByText('Không còn gì chờ duyệt')).toBeVisible();
});

test('the calendar shows dayparts and broadcasts in the fleet’s time; a drag is a proposal in the form', async () => {
  await lan.goto('/calendar');
  await expect(lan.getByText(/Pháp luật hằng tuần/).first()).toBeAttached();
  await expect(lan.locator('.loa-band').first()).toBeAttached();
  await shown(lan, 'calendar-week');
  const entry = lan.locator('.loa-entry', { hasText: 'Pháp luật hằng tuần' }).first();
  await entry.scrollIntoViewIfNeeded();
  const box = (await entry.boundingBox())!;
  await lan.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
  await lan.mouse.down();
  await lan.mouse.move(box.x + box.width / 2, box.y + box.height / 2 - 150, { steps: 12 });
  await lan.mouse.up();
  await lan.getByRole('button', { name: 'Cả chuỗi' }).click();
  await expect(lan.getByRole('dialog', { name: 'Sửa lịch phát' })).toBeVisible();
  await expect(lan.getByRole('textbox', { name: 'Giờ', exact: true })).toHaveValue(/^1[0-6]:[0-5]\d/);
  await lan.getByRole('button', { name: 'Bỏ', exact: true }).click();
  await entry.click();
  await expect(lan.getByRole('dialog', { name: 'Chi tiết lịch phát' })).toContainText('17:00');
  await shown(lan, 'broadcast');
  await lan.getByRole('dialog').getByRole('button', { name: 'Đóng' }).click();
  await lan.getByText('Tháng', { exact: true }).click();
  await expect(lan.locator('.loa-entry').first()).toBeVisible();
  await shown(lan, 'calendar-month');
});

test('readiness names the cluster that will miss the next daypart, and why', async () => {
  await lan.goto('/readiness');
  await choose(lan, 'Trong', '48 giờ tới');
  await expect(lan.getByText('Cụm loa bến đò').first()).toBeVisible();
  await expect(lan.getByText(/1 trên 2 cụm loa sẵn sàng/).first()).toBeVisible();
  await lan.getByRole('button', { name: 'Xem mọi cụm loa' }).last().click();
  await shown(lan, 'readiness');
});

test('an urgent drill takes two steps and two people, and stops at once', async () => {
  await lan.goto('/urgent');
  await shown(lan, 'urgent');
  await expect(lan.locator('.urgent-live')).toHaveCSS('border-top-style', 'solid');
  await expect(lan.locator('.urgent-drill')).toHaveCSS('border-top-style', 'dashed');
  await lan.getByRole('button', { name: /Diễn tập/ }).click();
  await choose(lan, 'Phóng sự', new RegExp(title));
  await choose(lan, 'Địa bàn', /Liên Châu/);
  await lan.keyboard.press('Escape');
  await lan.getByRole('button', { name: 'Tiếp' }).click();
  await expect(lan.getByText(/Sẽ gửi duyệt: Diễn tập/)).toBeVisible();
  await shown(lan, 'urgent-step-2');
  await lan.getByRole('button', { name: 'Gửi người thứ hai duyệt' }).click();
  await minh.goto('/urgent');
  await minh.getByRole('button', { name: 'Kiểm tra để phát' }).click();
  await expect(minh.getByText('Sẽ phát ngay trên 1 cụm loa; 0 cụm đang kết nối.')).toBeVisible();
  await shown(minh, 'urgent-approve');
  await minh.getByRole('button', { name: 'Phát ngay', exact: true }).click();
  await expect(lan.getByText('Đang hiệu lực')).toBeVisible();
  await minh.getByRole('button', { name: 'Dừng ngay' }).click();
  await expect(lan.getByText('Đã dừng', { exact: true })).toBeVisible();
});

test('played: the log tells it by itself, in the fleet’s time, also to a page that was cut off', async ({ playwright }) => {
  await lan.goto('/plays');
  await expect(lan.getByRole('status', { name: 'Đang cập nhật trực tiếp' })).toBeVisible();
  await line('down');
  await expect(lan.getByRole('status', { name: 'Đang nối lại…' })).toBeVisible();
  const api = await playwright.request.newContext({ baseURL: hub }); // who is not cut off
  await api.post('/api/v1/login', { data: { name: nameOf('CHIEF'), password: passwordOf('CHIEF') } });
  const played = async () => ((await (await api.get('/api/v1/plays')).json()) as { items: { outcome: string }[] }).items.map((p) => p.outcome);
  await expect.poll(played, { timeout: 120_000 }).toEqual(['played']);
  await api.dispose();
  await line('up');
  await expect(lan.getByRole('status', { name: 'Đang cập nhật trực tiếp' })).toBeVisible();
  const row = lan.getByRole('row', { name: new RegExp(title) });
  await expect(row).toContainText('Đã phát');
  await expect(row).toHaveCount(1);
  await expect(row).toContainText(planned.time.slice(0, 5));
  await expect(row).toContainText('Cụm loa nhà văn hóa');
  await shown(lan, 'plays');
  await row.getByRole('link', { name: 'Vì sao' }).click();
  await expect(lan.getByRole('heading', { name: `Phát «${title}»` })).toBeVisible();
  await shown(lan, 'why');
});

test('a withdrawal asks for its reason and tells whom the report reached', async () => {
  await minh.goto('/');
  await minh.getByRole('link', { name: title, exact: true }).first().click();
  await minh.getByRole('button', { name: 'Thu hồi' }).click();
  const dialog = minh.getByRole('dialog');
  await expect(dialog).toContainText('Đã phát trên 1 cụm loa (1 lần)');
  await shown(minh, 'withdraw');
  await dialog.getByLabel('Lý do').fill('Luật đã thay đổi');
  await dialog.getByRole('button', { name: 'Thu hồi' }).click();
  await expect(minh.getByText(/Luật đã thay đổi/)).toBeVisible();
});

test('an upload that was broken off goes on where it was, when the same file is chosen again', async () => {
  const file = join(dirname(shots), 'tiep tuc.wav');
  await copyFile(speech, file);
  const slow = await author.newCDPSession(lan);
  await slow.send('Network.emulateNetworkConditions', { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 100_000 });
  const send = async () => {
    await lan.goto('/');
    await lan.getByRole('button', { name: 'Tải lên' }).click();
    const [chooser] = await Promise.all([lan.waitForEvent('filechooser'), lan.getByRole('button', { name: 'Chọn tệp' }).click()]);
    await chooser.setFiles(file);
    await lan.getByRole('button', { name: 'Tải 1 tệp lên' }).click();
  };
  await send();
  await expect(lan.getByText(/[2-9]\d\s?%/).first()).toBeVisible();
  lan.once('dialog', (d) => d.accept()); // "leave in the middle of an upload?"
  const begins: number[] = [];
  lan.on('request', (r) => r.method() === 'PATCH' && r.url().includes('/uploads/') && begins.push(Number(r.headers()['upload-offset'])));
  await lan.reload();
  await send();
  await expect(lan.getByRole('link', { name: 'tiep tuc', exact: true }).first()).toBeVisible();
  expect(begins[0]).toBeGreaterThan(0);
  await slow.detach();
});

test('in English, and an address that leads nowhere', async () => {
  await minh.goto('/nowhere-at-all');
  await expect(minh.getByText('Không có trang này')).toBeVisible();
  await minh.getByText('EN', { exact: true }).click();
  await expect(minh.getByText('There is no such page')).toBeVisible();
  await shown(minh, 'nowhere-english');
  await expect(minh.locator('html')).toHaveAttribute('lang', 'en');
});
