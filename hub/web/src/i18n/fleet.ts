import i18n from '.';

/** Words of the admin's pages on clusters, fetched with them: the first page needs none of them. */
const vi = {
  title: 'Cụm loa', search: 'Tên cụm loa (không cần dấu)', searchlabel: 'Tìm cụm loa', show: 'Hiện', group: 'Gộp theo địa bàn', all: 'Tất cả', any: 'Mọi cụm', trouble: 'Cần xem', total: '{{n}} cụm', shown: 'Đang hiện {{n}} trên {{all}} cụm',
  count: { all: 'Tổng số', online: 'Trực tuyến', offline: 'Mất kết nối', trouble: 'Cần xem' },
  col: { name: 'Cụm loa', area: 'Địa bàn', link: 'Kết nối', card: 'Thẻ âm thanh', clock: 'Đồng hồ', cache: 'Âm thanh', free: 'Đĩa trống', plan: 'Kế hoạch', next: 'Phát', age: 'Nghe được' },
  sort: 'Sắp theo {{by}}', open: 'Mở {{what}}', closed: 'Đóng {{what}}', groupline: '{{n}} cụm · {{off}} mất kết nối · {{bad}} cần xem',
  age: { s: '{{n}} giây trước', m: '{{n}} phút trước', h: '{{n}} giờ trước', d: '{{n}} ngày trước', never: 'chưa bao giờ', now: 'vừa xong' },
  was: 'lúc đó: {{word}}', online: 'Trực tuyến', offline: 'Mất kết nối', blocked: 'Đang chặn', revoked: 'Đã thu hồi', stale: 'Số liệu cũ', playing: 'Đang phát: {{title}}', nextat: 'Tiếp: {{at}}', nonext: 'Chưa có',
  word: { ok: 'Tốt', unknown: 'Chưa rõ', missing: 'Không có', stalled: 'Bị treo', starting: 'Đang mở', synced: 'Khớp giờ', plausible: 'Tạm tin', untrusted: 'Không tin được', fetching: 'Đang tải', waiting: 'Chờ giờ tải', full: 'Đầy', damaged: 'Hỏng', active: 'Đang dùng', refused: 'Bị từ chối' },
  missing: 'thiếu {{n}}', empty: 'Chưa có cụm loa nào', emptyhint: 'Ghép nối cụm loa đầu tiên để nó hiện ở đây.', none: 'Không có cụm nào như vậy', nonehint: 'Hãy thử ít chữ hơn, hoặc chọn Mọi cụm.', lost: 'Chưa cập nhật được; số liệu đang cũ dần.', pair: 'Ghép nối', filter: { any: 'Mọi cụm', trouble: 'Cần xem', offline: 'Mất kết nối', card: 'Thẻ âm thanh', clock: 'Đồng hồ', audio: 'Thiếu âm thanh', plan: 'Kế hoạch' },
};

type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };

const en: Same<typeof vi> = {
  title: 'Clusters', search: 'Name of a cluster (marks may be left out)', searchlabel: 'Search clusters', show: 'Show', group: 'Group by area', all: 'All', any: 'Any', trouble: 'To look at', total: '{{n}} clusters', shown: 'Showing {{n}} of {{all}} clusters',
  count: { all: 'All', online: 'Online', offline: 'Offline', trouble: 'To look at' },
  col: { name: 'Cluster', area: 'Area', link: 'Connection', card: 'Sound card', clock: 'Clock', cache: 'Audio', free: 'Disk free', plan: 'Plan', next: 'Plays', age: 'Heard' },
  sort: 'Sort by {{by}}', open: 'Open {{what}}', closed: 'Close {{what}}', groupline: '{{n}} clusters · {{off}} offline · {{bad}} to look at',
  age: { s: '{{n}} s ago', m: '{{n}} min ago', h: '{{n}} h ago', d: '{{n}} days ago', never: 'never', now: 'just now' },
  was: 'then: {{word}}', online: 'Online', offline: 'Offline', blocked: 'Blocked', revoked: 'Revoked', stale: 'Old figures', playing: 'Playing: {{title}}', nextat: 'Next: {{at}}', nonext: 'Nothing yet',
  word: { ok: 'Good', unknown: 'Unknown', missing: 'Missing', stalled: 'Stalled', starting: 'Starting', synced: 'In step', plausible: 'Plausible', untrusted: 'Not trusted', fetching: 'Fetching', waiting: 'Waits for its hours', full: 'Full', damaged: 'Damaged', active: 'In force', refused: 'Refused' },
  missing: '{{n}} missing', empty: 'No clusters yet', emptyhint: 'Pair the first one, and it is shown here.', none: 'No cluster like that', nonehint: 'Try fewer letters, or choose Any.', lost: 'Not updating; these figures grow old.', pair: 'Pair', filter: { any: 'Any', trouble: 'To look at', offline: 'Offline', card: 'Sound card', clock: 'Clock', audio: 'Audio missing', plan: 'Plan' },
};

i18n.addResourceBundle('vi', 'fleet', vi);
i18n.addResourceBundle('en', 'fleet', en);

/** For useTranslation: these words first, then those of all pages. */
export const words = ['fleet', 'translation'];
