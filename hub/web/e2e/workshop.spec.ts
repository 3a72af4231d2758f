import { readFile } from 'node:fs/promises';
import { expect, test, type BrowserContext, type Page } from '@playwright/test';
import { shown } from './look';
import { choose, signIn, speech, stranger } from './people';

// The officer's workshop: what is written about reports, their versions, and programmes made of them.

test.describe.configure({ mode: 'serial' });

const sins: string[] = [];
let author: BrowserContext;
let chief: BrowserContext;
let lan: Page;
let minh: Page;

test.beforeAll(async ({ browser }) => {
  author = await stranger(browser, sins);
  chief = await stranger(browser, sins);
  lan = await author.newPage();
  minh = await chief.newPage();
  await signIn(lan, 'AUTHOR');
  await signIn(minh, 'CHIEF');
});
test.afterAll(async () => {
  await author.close();
  await chief.close();
});
test.afterEach(() => expect(sins.splice(0)).toEqual([]));

async function approve(title: string) {
  await minh.goto('/');
  await minh.getByRole('link', { name: title, exact: true }).click();
  await minh.getByRole('button', { name: 'Duyệt', exact: true }).click();
  await expect(minh.getByText('Đã duyệt', { exact: true }).first()).toBeVisible();
}

test('a report is written about: station, day, language, speaker, rights, and the laws it cites', async () => {
  await lan.getByRole('button', { name: 'Tải lên' }).click();
  const [chooser] = await Promise.all([lan.waitForEvent('filechooser'), lan.getByRole('button', { name: 'Chọn tệp' }).click()]);
  const buffer = await readFile(speech);
  await chooser.setFiles(['Dat dai', 'Nhac hieu'].map((name) => ({ name: `${name}.wav`, mimeType: 'audio/wav', buffer })));
  await lan.getByRole('combobox', { name: 'Chuyên mục', exact: true }).fill('Bạn và pháp luật');
  await lan.getByRole('combobox', { name: 'Đài sản xuất', exact: true }).fill('QNR1');
  await lan.getByRole('textbox', { name: 'Ngày đài đã phát' }).fill('30/06/2024');
  await choose(lan, 'Ngôn ngữ', 'Tiếng Tày');
  await lan.getByRole('combobox', { name: 'Người đọc', exact: true }).fill('Thu Hà');
  await lan.getByRole('combobox', { name: 'Bản quyền', exact: true }).fill('Sở Tư pháp Quảng Ninh');
  await lan.getByRole('textbox', { name: 'Lĩnh vực pháp luật' }).or(lan.getByRole('combobox', { name: 'Lĩnh vực pháp luật' })).first().fill('đất đai');
  await lan.keyboard.press('Enter');
  await lan.getByRole('button', { name: 'Thêm văn bản' }).click();
  await lan.getByRole('group', { name: 'Văn bản 1' }).getByLabel('Số hiệu').fill('45/2013/QH13');
  await lan.getByRole('group', { name: 'Văn bản 1' }).getByRole('textbox', { name: 'Hết hiệu lực từ' }).fill('01/08/2024');
  await lan.getByRole('button', { name: 'Thêm văn bản' }).click();
  await lan.getByRole('group', { name: 'Văn bản 2' }).getByLabel('Số hiệu').fill('31/2024/QH15');
  await shown(lan, 'workshop-upload');
  await lan.getByRole('button', { name: 'Tải 2 tệp lên' }).click();
  await lan.getByRole('link', { name: 'Dat dai', exact: true }).first().click();
  await expect(lan.getByText('Chờ duyệt').first()).toBeVisible();
  await expect(lan.getByText('45/2013/QH13 đã hết hiệu lực từ 01/08/2024')).toBeVisible();
  for (const words of ['QNR1', '30/06/2024', 'Tiếng Tày', 'Thu Hà', 'Sở Tư pháp Quảng Ninh', 'đất đai', '31/2024/QH15']) await expect(lan.getByRole('table').getByText(words).first()).toBeVisible();
});

test('what is written is edited, and the approval ends by it', async () => {
  await approve('Dat dai');
  await expect(lan.getByText('Đã duyệt', { exact: true })).toBeVisible();
  await lan.getByRole('button', { name: 'Sửa thông tin' }).click();
  const dialog = lan.getByRole('dialog', { name: 'Sửa thông tin phóng sự' });
  await expect(dialog.getByText('phải duyệt lại')).toBeVisible();
  await dialog.getByLabel('Tên phóng sự').fill('Luật Đất đai mới');
  await dialog.getByRole('button', { name: 'Bỏ 45/2013/QH13' }).click();
  await shown(lan, 'workshop-edit');
  await dialog.getByRole('button', { name: 'Lưu', exact: true }).click();
  await expect(lan.getByRole('heading', { level: 1, name: 'Luật Đất đai mới' })).toBeVisible();
  await expect(lan.getByText('Chờ duyệt').first()).toBeVisible();
  await expect(lan.getByText('đã hết hiệu lực')).toHaveCount(0);
  await expect(lan.getByText('Sửa lần cuối')).toBeVisible();
});

test('a report is cut at both ends, by ear before it is saved; the old audio stays', async () => {
  await lan.getByRole('button', { name: 'Cắt hai đầu' }).click();
  await expect(lan.getByRole('dialog').getByText('Phóng sự này đã duyệt')).toHaveCount(0);
  await approve('Luật Đất đai mới'); // while she looks for the place
  const dialog = lan.getByRole('dialog', { name: 'Cắt hai đầu, bản 1' });
  await expect(dialog.getByText('Phóng sự này đã duyệt')).toBeVisible();
  await dialog.getByLabel('Bắt đầu giữ từ').and(dialog.locator('input')).fill('1,2');
  await dialog.getByRole('slider', { name: 'Giữ đến' }).press('ArrowLeft');
  await expect(dialog.getByRole('status')).toContainText('bỏ 1,2 giây ở đầu, 0,1 giây ở cuối');
  await expect(dialog.getByRole('button', { name: /^Nghe: / })).toBeEnabled();
  await dialog.getByRole('button', { name: 'Nghe chỗ bắt đầu' }).click();
  await expect(dialog.getByRole('slider', { name: 'Vị trí nghe' })).not.toHaveValue('0');
  await shown(lan, 'workshop-trim');
  await dialog.getByRole('button', { name: 'Lưu bản cắt' }).click();
  const versions = lan.getByRole('region', { name: 'Các bản âm thanh' });
  await expect(versions.getByRole('group', { name: 'Bản 2' })).toContainText('Đang dùng');
  await expect(versions.getByRole('group', { name: 'Bản 2' })).toContainText('Chưa duyệt');
  await expect(versions.getByRole('group', { name: 'Bản 1' })).toContainText('Đã duyệt');
  await versions.getByRole('button', { name: 'Nghe bản này' }).click();
  await expect(versions.getByRole('button', { name: 'Nghe: Bản 1' })).toBeEnabled();
  await shown(lan, 'workshop-versions');
});

test('reports become a programme with a tune at both ends, of one length', async () => {
  await approve('Luật Đất đai mới');
  await approve('Nhac hieu');
  await lan.goto('/');
  await lan.getByRole('link', { name: 'Soạn chương trình' }).click();
  await lan.getByLabel('Tên chương trình').fill('Bản tin tối');
  await choose(lan, 'Nhạc hiệu mở đầu', /^Nhac hieu/);
  await choose(lan, 'Thêm phóng sự vào chương trình', /^Luật Đất đai mới/);
  await choose(lan, 'Nhạc hiệu kết thúc', /^Nhac hieu/);
  await expect(lan.getByText(/^Tổng cộng 0:\d\d, 3 phần$/)).toBeVisible();
  await shown(lan, 'workshop-programme');
  await lan.getByRole('button', { name: 'Ghép chương trình' }).click();
  await expect(lan.getByRole('heading', { level: 1, name: 'Bản tin tối' })).toBeVisible();
  await expect(lan.getByText('Chờ duyệt').first()).toBeVisible();
  await expect(lan.getByRole('region', { name: 'Các phần' }).getByRole('listitem')).toHaveCount(3);
  await approve('Bản tin tối');
});

test('a part that is withdrawn blocks the programme until it is made anew', async () => {
  await minh.goto('/');
  await minh.getByRole('link', { name: 'Luật Đất đai mới', exact: true }).click();
  await minh.getByRole('button', { name: 'Thu hồi' }).click();
  const dialog = minh.getByRole('dialog');
  await expect(dialog).toContainText('nằm trong chương trình: Bản tin tối');
  await dialog.getByLabel('Lý do').fill('Luật đã thay đổi');
  await dialog.getByRole('button', { name: 'Thu hồi' }).click();
  await expect(lan.getByText('Phần «Luật Đất đai mới» đã bị thu hồi.')).toBeVisible(); // nobody loaded the page again
  await shown(lan, 'workshop-stale');
  await lan.getByRole('link', { name: 'Ghép lại' }).click();
  await lan.getByRole('button', { name: 'Bỏ Luật Đất đai mới' }).click();
  await choose(lan, 'Thêm phóng sự vào chương trình', /^Nhac hieu/);
  await lan.getByRole('button', { name: 'Ghép lại' }).click();
  await expect(lan.getByRole('group', { name: 'Bản 2' })).toContainText('ghép chương trình');
  await expect(lan.getByText('đã bị thu hồi')).toHaveCount(0);
});

test('the library is narrowed by what is written', async () => {
  await lan.goto('/');
  await lan.getByRole('button', { name: 'Thêm bộ lọc' }).click();
  await choose(lan, 'Loại', 'Chương trình');
  await expect(lan.getByRole('link', { name: 'Bản tin tối', exact: true })).toBeVisible();
  await expect(lan.getByRole('link', { name: 'Nhac hieu', exact: true })).toHaveCount(0);
  await shown(lan, 'workshop-filters');
  await choose(lan, 'Loại', 'Phóng sự');
  await choose(lan, 'Ngôn ngữ', 'Tiếng Tày');
  await choose(lan, 'Văn bản viện dẫn', 'Đã hết hiệu lực');
  await expect(lan.getByRole('link', { name: 'Nhac hieu', exact: true })).toBeVisible(); // it still cites the old law
  await expect(lan.getByRole('link', { name: 'Luật Đất đai mới', exact: true })).toHaveCount(0);
});
