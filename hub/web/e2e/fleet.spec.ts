import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { picture, shown } from './look';
import { hub, line, signIn, stranger } from './people';

// Started by TestFleetPages: 240 simulated clusters in Hoằng Đạo with a real one, 60 in Liên Châu.
test.describe.configure({ mode: 'serial' });

const sins: string[] = [];
let context: BrowserContext;
let page: Page;

/** Moves the simulated clusters: cut, mend, say. */
const stand = async (what: string) => {
  const answer = await fetch(`${process.env.LOA_STAND}/${what}`, { method: 'POST' });
  if (!answer.ok) throw new Error(await answer.text());
};

const rows = () => page.locator('[role="row"][data-agent]');
const filter = async (text: string) => page.getByRole('searchbox', { name: 'Tìm cụm loa' }).fill(text);
const pick = async (label: string, option: string) => {
  await page.locator('input').and(page.getByLabel(label, { exact: true })).click();
  await page.getByRole('option', { name: option, exact: true }).click();
};

test.describe('@fleet', () => {
  test.beforeAll(async ({ browser }) => {
    context = await stranger(browser, sins);
    page = await context.newPage();
  });
  test.afterAll(() => context.close());
  test.afterEach(() => expect(sins.splice(0)).toEqual([]));

  test('all clusters in one list, of which only those in sight exist', async () => {
    await signIn(page, 'CHIEF');
    await page.getByRole('link', { name: 'Cụm loa', exact: true }).click();
    await expect(page.getByText('Đang hiện 301 trên 301 cụm')).toBeVisible();
    expect(await rows().count()).toBeLessThan(60);
    await expect(page.getByRole('table', { name: 'Cụm loa' })).toHaveAttribute('aria-rowcount', '302');
    await shown(page, 'fleet');
  });

  test('sorted by a column, filtered by name without marks, by state and by area', async () => {
    await page.getByRole('button', { name: 'Cụm loa', exact: true }).click(); // now by name, downwards
    await expect(rows().first()).toContainText('Cụm mô phỏng 239');
    await page.getByRole('button', { name: 'Cụm loa', exact: true }).click();
    await expect(rows().first()).toContainText('Cụm loa nhà văn hóa');
    await page.getByRole('table').evaluate((box) => box.scrollTo(0, box.scrollHeight));
    await expect(rows().last()).toContainText('Cụm mô phỏng 239');
    await page.getByRole('table').evaluate((box) => box.scrollTo(0, 0));
    await filter('nha van hoa');
    await expect(rows()).toHaveCount(1);
    await filter('');
    await pick('Địa bàn', 'Tỉnh Quảng Ninh › Xã Liên Châu');
    await expect(page.getByText('Đang hiện 60 trên 301 cụm')).toBeVisible();
    await pick('Địa bàn', 'Toàn hệ thống');
    await stand('say?area=hoang-dao&n=7&card=missing');
    await pick('Hiện', 'Cạc âm thanh');
    await expect(rows().filter({ hasText: 'Cụm mô phỏng 7' })).toContainText('Không có');
    await pick('Hiện', 'Mọi cụm');
  });

  test('grouped by area, with counts', async () => {
    await page.getByRole('switch', { name: 'Gộp theo địa bàn' }).click();
    const group = page.locator('[role="row"][data-area="lien-chau"]');
    await expect(group).toContainText('60 cụm · 0 mất kết nối');
    await expect(rows()).toHaveCount(0);
    await group.getByRole('button', { name: 'Xã Liên Châu' }).press('Enter');
    await expect(rows().first()).toContainText('Cụm mô phỏng 0');
    await picture(page, 'fleet-groups');
    await page.getByRole('switch', { name: 'Gộp theo địa bàn' }).click();
  });

  test('it is live: what a cluster says is seen; nothing is green on old figures', async () => {
    await filter('mo phong 12');
    await pick('Địa bàn', 'Tỉnh Quảng Ninh › Xã Liên Châu');
    const row = rows().filter({ has: page.getByText('Cụm mô phỏng 12', { exact: true }) });
    await stand('say?area=lien-chau&n=12&clock=untrusted');
    await expect(row.locator('[data-col="clock"]')).toContainText('Không tin được');
    await stand('say?area=lien-chau&n=12');
    await expect(row.locator('[data-col="clock"]')).toContainText('Khớp giờ');
    await expect(row.locator('[data-col="age"]')).toContainText(/giây trước|vừa xong/);
    expect(await green(row)).toBe(5);
    // Of a cluster that is cut off, what it said stays to be read, but nothing of it is green.
    await stand('cut?area=lien-chau');
    await expect(row.locator('[data-col="link"]')).toContainText('Mất kết nối');
    await expect(row).toHaveAttribute('data-stale');
    await expect(row.locator('[data-col="card"]')).toContainText('Tốt');
    expect(await green(row)).toBe(0);
    await stand('mend?area=lien-chau');
    await expect(row.locator('[data-col="link"]')).toContainText('Trực tuyến');
    await expect(row).not.toHaveAttribute('data-stale');
  });

  test('a lost event stream neither loses nor doubles a row', async () => {
    await filter('');
    await pick('Địa bàn', 'Toàn hệ thống');
    await line('down');
    await expect(page.getByText('Chưa cập nhật được')).toBeVisible();
    await stand('say?area=hoang-dao&n=3&card=stalled');
    await stand('cut?area=lien-chau');
    await line('up');
    await expect(page.getByText('Mất kết nối: 60')).toBeVisible();
    await expect(page.getByText('Chưa cập nhật được')).toBeHidden();
    await expect(page.getByText('Đang hiện 301 trên 301 cụm')).toBeVisible();
    await filter('mo phong 3');
    await pick('Địa bàn', 'Tỉnh Quảng Ninh › Xã Hoằng Đạo');
    const row = rows().filter({ has: page.getByText('Cụm mô phỏng 3', { exact: true }) });
    await expect(row).toHaveCount(1);
    await expect(row).toContainText('Bị treo');
    await filter('');
    await pick('Địa bàn', 'Toàn hệ thống');
  });

  test('a cluster’s page: its parts, its log on request, commands as sealed orders and why one was refused', async () => {
    await page.getByRole('link', { name: 'Cụm loa', exact: true }).click();
    await filter('nha van hoa');
    await page.getByRole('link', { name: 'Cụm loa nhà văn hóa' }).click();
    const parts = page.getByRole('region', { name: 'Tình trạng' });
    await expect(parts.getByRole('row', { name: 'Cạc âm thanh' })).toContainText('Không có');
    await expect(parts.getByRole('row', { name: 'Đồng hồ' })).toContainText('Khớp giờ');
    await expect(parts.getByRole('row', { name: 'Đường truyền' })).toContainText('ms đi về');
    await page.getByRole('button', { name: 'Lấy nhật ký máy' }).click();
    await expect(page.getByRole('region', { name: 'Nhật ký của máy' })).toContainText('connected to hub');
    await page.getByRole('button', { name: 'Kiểm tra và tải lại âm thanh' }).click();
    await expect(page.getByText('Đang kiểm tra; phần hỏng sẽ được tải lại.')).toBeVisible();
    await expect(async () => {
      await page.getByRole('button', { name: 'Lấy nhật ký máy' }).click();
      await expect(page.getByRole('region', { name: 'Nhật ký của máy' })).toContainText('audio is checked', { timeout: 1000 });
    }).toPass();
    await page.getByRole('button', { name: 'Phát tiếng thử' }).click();
    const refused = page.getByRole('region', { name: 'Lệnh' }).getByRole('alert');
    await expect(refused.filter({ hasText: /không có cạc âm thanh|phải im lặng/ })).toBeVisible();
    await page.getByRole('button', { name: 'Khởi động lại…' }).click();
    await page.getByRole('button', { name: 'Khởi động lại', exact: true }).click();
    await expect(refused.filter({ hasText: 'không chạy như một dịch vụ' })).toBeVisible();
    await page.getByRole('slider').press('ArrowLeft');
    await page.getByLabel('Lý do đặt âm lượng').fill('Sát trường học');
    await page.getByRole('button', { name: 'Đặt âm lượng' }).click();
    await expect(page.getByText('Đã đặt âm lượng 75%')).toBeVisible();
    await shown(page, 'agent');
    await page.getByRole('region', { name: 'Đã phát gần đây' }).getByRole('link', { name: 'Xem tất cả' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Nhật ký phát' })).toBeVisible();
    await page.getByRole('button', { name: 'Bỏ Cụm loa nhà văn hóa' }).click();
    await expect(page.getByRole('button', { name: 'Bỏ Cụm loa nhà văn hóa' })).toBeHidden();
  });

  test('who answers for a province stops one commune at a tap, not the province', async () => {
    await page.goto('/commune');
    await expect(page.getByRole('button', { name: 'Dừng cả 241 cụm' })).toBeVisible();
  });

  test('pairing: a code, a QR code, six words compared; clusters to come from a CSV file', async () => {
    await page.goto('/pairing');
    const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Chọn tệp CSV' }).click()]);
    await chooser.setFiles({ name: 'cum.csv', mimeType: 'text/csv', buffer: Buffer.from('\uFEFFĐịa bàn;Tên\r\nlien-chau;"Cụm ""mới"" 1"\r\nXã Hoằng Đạo;Cụm mới 2\r\nXã Nào Đó;Cụm 3\r\nhoang-dao;Cụm loa nhà văn hóa\r\n') });
    await expect(page.getByText('3 cụm trong tệp')).toBeVisible();
    await expect(page.getByText('Dòng 4: không có địa bàn “Xã Nào Đó”')).toBeVisible();
    const [same] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Chọn tệp CSV' }).click()]);
    expect(await same.element().inputValue()).toBe(''); // or the same file, mended, would be no change to a browser
    const windows = '\xD0i\xF2a b\xE0n;T\xEAn\r\nlien-chau;"Cu\xF2m ""m\xF5\xECi"" 1"\r\nXa\xDE Ho\xE3\xCCng \xD0a\xF2o;Cu\xF2m m\xF5\xECi 2\r\nhoang-dao;Cu\xF2m loa nh\xE0 v\xE3n h\xF3a\r\n';
    await same.setFiles({ name: 'cum.csv', mimeType: 'text/csv', buffer: Buffer.from(windows, 'latin1') }); // Windows-1258
    await expect(page.getByText(/Dòng \d/)).toHaveCount(0);
    await page.getByRole('button', { name: 'Thêm 3 cụm' }).click();
    const list = page.getByRole('list', { name: 'Đang chờ ghép' });
    await expect(list.getByRole('listitem')).toHaveCount(2); // the third is in the fleet
    await expect(list).toContainText('Cụm "mới" 1, Xã Liên Châu');
    await list.getByRole('listitem').filter({ hasText: 'Cụm mới 2' }).getByRole('button', { name: 'Ghép' }).click();
    const code = (await page.locator('[data-code]').innerText()).trim();
    await expect(page.getByRole('img', { name: /Mã QR/ })).toBeVisible();
    await shown(page, 'pairing');
    // At the PC: what it prints has the six words.
    const dir = await mkdtemp(join(tmpdir(), 'loa-agent-'));
    const agent = promisify(execFile)(process.env.LOA_AGENT_BIN!, ['pair', '--hub', hub, '--code', code, '--data', dir, '--yes']);
    const words = page.getByRole('list', { name: 'Sáu từ' }).getByRole('listitem');
    await expect(words).toHaveCount(6);
    const six = (await words.allInnerTexts()).map((w) => w.replace(/^\d\. /, ''));
    await page.getByRole('button', { name: 'Giống nhau, ghép nối' }).click();
    const { stdout } = await agent;
    expect(stdout.replace(/-/g, ' ')).toContain(six.join(' '));
    await expect(page.getByText('Đã ghép nối.')).toBeVisible();
    await expect(list.getByRole('listitem')).toHaveCount(1);
    await page.getByRole('link', { name: 'Xem cụm loa' }).click();
    await expect(page.getByRole('heading', { level: 1, name: 'Cụm mới 2' })).toBeVisible();
    await rm(dir, { recursive: true });
  });

  test('a district that is cut off is one alarm; seen to by one, silenced with an end, resolved by itself', async () => {
    // Liên Châu is cut off since its stream was lost.
    await page.getByRole('link', { name: 'Cảnh báo' }).click();
    const alarm = page.locator('[data-alarm="offline/area:lien-chau"]');
    await expect(alarm).toContainText('Xã Liên Châu: 60 trên 60 cụm');
    await expect(page.locator('[data-alarm^="offline/"]')).toHaveCount(1);
    await expect(page.locator('[data-alarm="root_key/hub"]')).toContainText('Khóa gốc');
    // Told abroad once it has lasted: by mail to a real server, and to a receiver that has checked the signature.
    await expect(async () => {
      const told = await (await fetch(process.env.LOA_TOLD!)).text();
      expect(told).toContain('mail: Mất kết nối: Xã Liên Châu, 60 trên 60 cụm');
      expect(told).toContain('webhook: alarm.raised offline lien-chau 60');
    }).toPass();
    await page.reload();
    await expect(page.getByText('Thư điện tử: truc@quang-ninh.test')).toBeVisible();
    await expect(page.getByText(/gửi lần cuối/)).toHaveCount(2);
    await shown(page, 'alarms');
    await alarm.getByRole('button', { name: 'Tôi đang xử lý' }).click();
    await expect(alarm).toContainText('minh.quan-tri đang xử lý');
    await alarm.getByRole('button', { name: 'Tắt báo' }).click();
    await page.getByRole('menuitem', { name: '8 giờ' }).click();
    await expect(alarm).toContainText('Tắt báo đến');
    await stand('mend?area=lien-chau');
    await expect(page.getByRole('list', { name: 'Đã hết gần đây' }).locator('[data-alarm="offline/area:lien-chau"]')).toContainText('hết lúc');
  });
});

/** How many badges of a row are green, as the eye sees it. */
const green = (row: ReturnType<typeof rows>) =>
  row.locator('.mantine-Badge-root').evaluateAll((all) => all.filter((b) => /green/.test(b.getAttribute('style') ?? '')).length);
