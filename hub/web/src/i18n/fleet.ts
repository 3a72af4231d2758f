import i18n from '.';

/** Words of the admin's pages on clusters, fetched with them: the first page needs none of them. */
const vi = {
  title: 'Cụm loa', search: 'Tên cụm loa (không cần dấu)', searchlabel: 'Tìm cụm loa', show: 'Hiện', group: 'Gộp theo địa bàn', all: 'Tất cả', any: 'Mọi cụm', trouble: 'Cần xem', total: '{{n}} cụm', shown: 'Đang hiện {{n}} trên {{all}} cụm',
  count: { all: 'Tổng số', online: 'Trực tuyến', offline: 'Mất kết nối', trouble: 'Cần xem' },
  col: { name: 'Cụm loa', area: 'Địa bàn', link: 'Kết nối', card: 'Thẻ tiếng', clock: 'Đồng hồ', cache: 'Âm thanh', free: 'Trống', plan: 'Kế hoạch', next: 'Phát', age: 'Nghe được' },
  sort: 'Sắp theo {{by}}', open: 'Mở {{what}}', closed: 'Đóng {{what}}', groupline: '{{n}} cụm · {{off}} mất kết nối · {{bad}} cần xem',
  age: { s: '{{n}} giây trước', m: '{{n}} phút trước', h: '{{n}} giờ trước', d: '{{n}} ngày trước', never: 'chưa bao giờ', now: 'vừa xong' },
  was: 'lúc đó: {{word}}', online: 'Trực tuyến', offline: 'Mất kết nối', blocked: 'Đang chặn', revoked: 'Đã thu hồi', stale: 'Số liệu cũ', playing: 'Đang phát: {{title}}', nextat: 'Tiếp: {{at}}', nonext: 'Chưa có',
  word: { ok: 'Tốt', unknown: 'Chưa rõ', missing: 'Không có', stalled: 'Bị treo', starting: 'Đang mở', synced: 'Khớp giờ', plausible: 'Tạm tin', untrusted: 'Không tin được', fetching: 'Đang tải', waiting: 'Chờ giờ tải', full: 'Đầy', damaged: 'Hỏng', active: 'Đang dùng', refused: 'Bị từ chối' },
  missing: 'thiếu {{n}}', empty: 'Chưa có cụm loa nào', emptyhint: 'Ghép nối cụm loa đầu tiên để nó hiện ở đây.', none: 'Không có cụm nào như vậy', nonehint: 'Hãy thử ít chữ hơn, hoặc chọn Mọi cụm.', lost: 'Chưa cập nhật được; số liệu đang cũ dần.', pair: 'Ghép nối', filter: { any: 'Mọi cụm', trouble: 'Cần xem', offline: 'Mất kết nối', card: 'Thẻ âm thanh', clock: 'Đồng hồ', audio: 'Thiếu âm thanh', plan: 'Kế hoạch' },
  alarms: {
    title: 'Cảnh báo', none: 'Không có cảnh báo nào', nonehint: 'Khi một cụm loa sắp lỡ buổi phát, mất kết nối hay hỏng, bạn sẽ thấy ở đây trước.', over: 'Đã hết gần đây', open: 'Đang có',
    kind: { will_miss: 'Sẽ lỡ buổi phát tới', offline: 'Mất kết nối', clock_untrusted: 'Đồng hồ không tin được', card_missing: 'Không có thẻ âm thanh', disk_low: 'Đĩa sắp đầy', plan_ending: 'Kế hoạch sắp hết hạn', cert_ending: 'Chứng thư máy chủ sắp hết hạn', trust_ending: 'Tài liệu tin cậy sắp hết hạn', root_key: 'Khóa gốc còn nằm trên máy chủ' },
    todo: { will_miss: 'Xem vì sao ở trang Sẵn sàng, rồi gọi cho cán bộ đài xã.', offline: 'Kiểm tra điện và mạng tại cụm loa. Loa vẫn phát theo kế hoạch đã có.', clock_untrusted: 'Loa im lặng cho đến khi máy có giờ đúng. Kiểm tra mạng và pin đồng hồ.', card_missing: 'Kiểm tra thẻ âm thanh và dây. Chưa có gì phát ra loa.', disk_low: 'Dọn đĩa của máy, nếu không phóng sự mới sẽ không tải được.', plan_ending: 'Cụm loa không nhận được kế hoạch mới; hết hạn thì im lặng.', cert_ending: 'Thay chứng thư, nếu không cụm loa và trình duyệt sẽ không nối được.', trust_ending: 'Chạy loa-hub trust rotate.', root_key: 'Chép tệp root-key-move-me ra nơi an toàn rồi xóa nó khỏi máy chủ.' },
    where: '{{area}}: {{n}} trên {{of}} cụm', hub: 'Máy chủ', since: 'từ {{at}}', before: 'lúc {{at}}', raised: 'báo {{ago}}', ended: 'hết lúc {{at}}', ack: 'Tôi đang xử lý', acked: '{{name}} đang xử lý, từ {{at}}', silence: 'Tắt báo', silenced: 'Tắt báo đến {{at}} ({{name}})', unsilence: 'Báo lại', hours: '{{n}} giờ', days: '{{n}} ngày', channels: 'Gửi ra ngoài', mail: 'Thư điện tử', webhook: 'Webhook', sent: 'gửi lần cuối {{at}}', nosent: 'chưa gửi lần nào', nochannels: 'Chỉ báo trên trang này. Để gửi thư hoặc webhook, hãy đặt các mục alarm_ trong cài đặt của máy chủ.', failing: 'Chưa gửi được: {{error}}',
  },
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
  alarms: {
    title: 'Alarms', none: 'No alarms', nonehint: 'When a cluster is about to miss a daypart, is offline or broken, it is seen here before.', over: 'Over of late', open: 'Open',
    kind: { will_miss: 'Will miss what comes next', offline: 'Offline', clock_untrusted: 'Clock not trusted', card_missing: 'No sound card', disk_low: 'Disk nearly full', plan_ending: 'Plan about to end', cert_ending: "The hub's certificate is about to end", trust_ending: 'The trust document is about to end', root_key: 'The root key lies on the hub' },
    todo: { will_miss: 'See why on Readiness, then call the commune.', offline: 'Look at power and network there. It plays on by the plan it has.', clock_untrusted: 'It is silent until its PC has the right time. Look at network and clock battery.', card_missing: 'Look at sound card and cable. Nothing is heard.', disk_low: 'Make room on its disk, or new reports will not arrive.', plan_ending: 'It gets no new plan; at the end it falls silent.', cert_ending: 'Renew it, or clusters and browsers will turn away.', trust_ending: 'Run loa-hub trust rotate.', root_key: 'Copy root-key-move-me to a safe place and delete it from the hub.' },
    where: '{{area}}: {{n}} of {{of}} clusters', hub: 'Hub', since: 'since {{at}}', before: 'at {{at}}', raised: 'raised {{ago}}', ended: 'over at {{at}}', ack: 'I see to it', acked: '{{name}} sees to it, since {{at}}', silence: 'Silence', silenced: 'Silent until {{at}} ({{name}})', unsilence: 'Tell again', hours: '{{n}} hours', days: '{{n}} days', channels: 'Told elsewhere', mail: 'E-mail', webhook: 'Webhook', sent: 'last sent {{at}}', nosent: 'never sent', nochannels: 'Told on this page only. For mail or a webhook set the alarm_ keys of the hub.', failing: 'Cannot be sent: {{error}}',
  },
};

i18n.addResourceBundle('vi', 'fleet', vi);
i18n.addResourceBundle('en', 'fleet', en);

/** For useTranslation: these words first, then those of all pages. */
export const words = ['fleet', 'translation'];
