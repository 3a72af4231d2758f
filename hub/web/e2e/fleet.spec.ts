import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { picture, shown } from './look';
import { line, signIn, stranger } from './people';

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
    await page.getByRole('button', { name: 'Cụm loa', exact: true }).click();
    await expect(rows().first()).toContainText('Cụm loa nhà văn hóa');
    await filter('nha van hoa');
    await expect(rows()).toHaveCount(1);
    await filter('');
    await pick('Địa bàn', 'Tỉnh Quảng Ninh › Xã Liên Châu');
    await expect(page.getByText('Đang hiện 60 trên 301 cụm')).toBeVisible();
    await pick('Địa bàn', 'Toàn hệ thống');
    await stand('say?area=hoang-dao&n=7&card=missing');
    await pick('Hiện', 'Thẻ âm thanh');
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

  test('a district that is cut off is one alarm; seen to by one, silenced with an end, resolved by itself', async () => {
    // Liên Châu is cut off since the test before.
    await page.getByRole('link', { name: 'Cảnh báo' }).click();
    const alarm = page.locator('[data-alarm="offline/area:lien-chau"]');
    await expect(alarm).toContainText('Xã Liên Châu: 60 trên 60 cụm');
    await expect(page.locator('[data-alarm^="offline/"]')).toHaveCount(1);
    await expect(page.locator('[data-alarm="root_key/hub"]')).toContainText('Khóa gốc');
    await expect(page.getByText('Chỉ báo trên trang này.')).toBeVisible();
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
