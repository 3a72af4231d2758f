import { useTranslation } from 'react-i18next';

/** The words of the admin's pages and of evidence, apart from the others: whoever only uploads does not load them. */
const vi = {
  evidence: {
    title: 'Kết quả phát', lead: 'Theo kế hoạch bao nhiêu, đã phát bao nhiêu, vì sao không phát. Số liệu từ nhật ký của từng cụm loa.', period: 'Kỳ', by: 'Chia theo', and: 'và theo', nothing: 'Không chia thêm',
    dims: { month: 'Tháng', area: 'Địa bàn', series: 'Chuyên mục', law_field: 'Lĩnh vực pháp luật', language: 'Tiếng', report: 'Phóng sự', class: 'Loại bản tin', reason: 'Lý do' },
    level: 'Gộp địa bàn', below: 'Cấp ngay dưới', each: 'Từng địa bàn',
    planned: 'Theo kế hoạch', played: 'Đã phát', cut: 'Phát dở', skipped: 'Không phát', unknown: 'Chưa rõ', unknownhint: 'Quá một ngày chưa có nhật ký của cụm loa.', minutes: 'Phút ra loa', plannedminutes: 'Phút theo kế hoạch', clusters: 'Cụm loa',
    share: '{n}% theo kế hoạch', missed: 'Không phát và chưa rõ', total: 'Tổng cộng', notgiven: '(chưa ghi)', empty: 'Chưa có số liệu', emptyhint: 'Trong kỳ này không có lần phát nào. Hãy chọn kỳ hoặc địa bàn khác.',
    chart: 'Số lần phát theo tháng', chartalt: 'Biểu đồ cột: số lần theo kế hoạch và đã phát của từng tháng; số liệu ở bảng bên cạnh.', heard: 'Đã phát (cả phát dở)', csv: 'Tải CSV', xlsx: 'Tải Excel', print: 'Bản in báo cáo', log: 'Nhật ký từng lần', custom: 'Tự chọn',
    past: 'Tên cũ được tính vào địa bàn hiện nay: ', pastone: '{was} (đến {until}) → {now}',
    periods: { admin: 'Năm {y} (15/12/{p}–14/12/{y})', year: 'Năm {y} (1/1–31/12)', half: '6 tháng đầu năm {y} (15/12/{p}–14/6/{y})', quarter: 'Quý {q} năm {y}', month: 'Tháng {m}/{y}' },
  },
  print: {
    title: 'Bản in báo cáo', back: 'Quay lại', go: 'In', form: 'Nội dung ghi trên bản in', above: 'Cơ quan cấp trên', org: 'Cơ quan báo cáo', number: 'Số văn bản', place: 'Địa danh', signer: 'Chức vụ người ký', name: 'Họ tên người ký', to: 'Nơi nhận (mỗi dòng một nơi)',
    country: 'CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM', motto: 'Độc lập - Tự do - Hạnh phúc', report: 'BÁO CÁO', about: 'Kết quả phát thanh tuyên truyền, phổ biến giáo dục pháp luật trên hệ thống truyền thanh cơ sở', span: '(Số liệu từ ngày {from} đến ngày {to})', date: '{place}, ngày {d} tháng {m} năm {y}', no: 'Số:',
    area: 'Phạm vi: {area}.', one: 'I. KẾT QUẢ CHUNG', sum: 'Theo kế hoạch có {planned} lần phát trên các cụm loa; đã phát {heard} lần (đạt {share}%), trong đó {cut} lần phát dở; không phát {skipped} lần; chưa có nhật ký {unknown} lần. Tổng thời lượng đã ra loa là {minutes} phút.',
    two: 'II. THEO ĐỊA BÀN', three: 'III. THEO CHUYÊN MỤC', four: 'IV. THEO LĨNH VỰC PHÁP LUẬT', five: 'V. THEO NGÔN NGỮ', six: 'VI. THEO THÁNG', seven: 'VII. LÝ DO KHÔNG PHÁT HOẶC PHÁT DỞ', no1: 'TT', source: 'Số liệu lấy từ nhật ký phát của phần mềm Loa; “đã phát” nghĩa là âm thanh đã ra đến cạc âm thanh của máy ở cụm loa.', recipients: 'Nơi nhận:', sign: '(Ký, ghi rõ họ tên)',
  },
  people: {
    title: 'Người dùng', lead: 'Ai được làm gì, ở địa bàn nào.', invite: 'Mời người dùng', name: 'Tên đăng nhập', namehint: 'Chữ, số và . _ - @; không đổi được về sau.', role: 'Vai trò', area: 'Địa bàn phụ trách', state: 'Tình trạng', since: 'Từ ngày',
    active: 'Đang dùng', invited: 'Chưa đặt mật khẩu', disabled: 'Đã khóa', otp: 'Xác thực hai bước', edit: 'Sửa', save: 'Lưu', cancel: 'Bỏ', disable: 'Khóa', enable: 'Mở khóa', reset: 'Đặt lại mật khẩu', resethint: 'Mật khẩu cũ, phiên làm việc và mã truy cập của {name} mất hiệu lực ngay. Người đó tự đặt mật khẩu mới bằng đường dẫn dưới đây.', resetotp: 'Bỏ cả xác thực hai bước (mất điện thoại)', disablehint: '{name} bị đăng xuất ngay, mã truy cập bị xóa hẳn. Mở khóa lại được, nhưng phải mời lại.',
    link: 'Đường dẫn đặt mật khẩu', linkhint: 'Chỉ hiện một lần. Hãy gửi riêng cho {name}; đường dẫn dùng được một lần, đến {until}.', copy: 'Sao chép', copied: 'Đã sao chép', done: 'Xong', saved: 'Đã lưu', changed: 'Thay đổi của {name}', empty: 'Chưa có ai', emptyhint: 'Bấm Mời người dùng, hoặc chọn địa bàn khác.',
    roles: { admin: 'Quản trị: mọi việc', officer: 'Biên tập: tải lên, lập lịch, duyệt của người khác', operator: 'Cán bộ đài xã: xem và quyết định tại xã', viewer: 'Người xem: chỉ xem' },
  },
  areas: {
    title: 'Địa bàn', lead: 'Cây địa bàn, khung giờ và buổi phát. Cấp dưới chỉ được chặt hơn cấp trên.', add: 'Thêm địa bàn', code: 'Mã', codehint: 'Không đổi được về sau.', name: 'Tên', parent: 'Thuộc', top: '(cấp cao nhất)', save: 'Lưu', cancel: 'Bỏ', saved: 'Đã lưu', choose: 'Chọn một địa bàn để xem và sửa.', empty: 'Chưa có địa bàn nào', emptyhint: 'Bấm Thêm địa bàn và bắt đầu từ cấp cao nhất, ví dụ tỉnh.', tree: 'Cây địa bàn', edit: 'Sửa tên và cấp trên',
    merge: 'Nhập vào địa bàn khác', mergehint: 'Cụm loa, người dùng, phóng sự và cấp dưới của {name} chuyển sang địa bàn mới; khung giờ và buổi phát riêng không còn. Lịch phát vẫn phát đúng những cụm cũ. Nhật ký giữ tên cũ, số liệu tính vào địa bàn mới. Không hoàn tác được.', into: 'Nhập vào', merged: 'Đã nhập. {n}', what: { agents: '{n} cụm loa', people: '{n} người', reports: '{n} phóng sự' }, past: 'Tên trước đây: {names}',
    dayparts: 'Buổi phát', daypart: 'Buổi', hours: 'Giờ', days: 'Ngày', everyday: 'hằng ngày', from: 'Theo', own: 'riêng của địa bàn', inherited: 'thừa hưởng từ {name}', reserved: 'nguồn khác: {spans}', override: 'Đặt riêng', remove: 'Bỏ buổi này ở đây', back: 'Trở lại thừa hưởng', adddaypart: 'Thêm buổi phát', start: 'Bắt đầu', end: 'Kết thúc', off: 'đã bỏ ở đây', nodayparts: 'Chưa có buổi phát nào.', span: { start: 'Từ', end: 'Đến' }, reservedtitle: 'Giờ của nguồn khác (Loa im lặng)', addreserved: 'Thêm giờ của nguồn khác', source: 'Nguồn',
    policy: 'Quy định', rule: 'Quy định', ownvalue: 'Riêng', effective: 'Đang áp dụng', decidedby: 'Do', nothing: '—', default: 'mặc định', none: 'không giới hạn', yes: 'có', no: 'không', editpolicy: 'Sửa quy định',
    rules: { windows: 'Khung giờ được phát', dayparts_per_day: 'Số buổi mỗi ngày', minutes_per_daypart: 'Số phút mỗi buổi', volume: 'Giới hạn âm lượng', second_person: 'Cần người thứ hai duyệt', urgent_volume: 'Âm lượng khẩn cấp (%)', commune_may_move: 'Xã được dời mục', contact: 'Gọi ai khi hỏng' }, addvolume: 'Thêm giới hạn âm lượng', atmost: 'Tối đa (%)', inherit: 'Theo cấp trên', windowhint: 'Mỗi dòng một khung, ví dụ 05:00-11:00 hoặc 05:00-21:00 mon,tue', badwindow: 'Khung giờ chưa đúng. Ghi như 05:00-21:00.',
  },
  audit: {
    title: 'Nhật ký thay đổi', lead: 'Ai đã làm gì, lúc nào, từ đâu. Các dòng nối thành chuỗi nên không sửa lén được.', who: 'Ai', action: 'Việc', subject: 'Đối tượng', at: 'Lúc', from: 'Từ', area: 'Địa bàn', details: 'Chi tiết', before: 'Trước', after: 'Sau', all: 'Mọi việc', empty: 'Không có dòng nào', emptyhint: 'Hãy bỏ bớt bộ lọc hoặc chọn khoảng ngày rộng hơn.', verify: 'Kiểm tra chuỗi', whole: 'Chuỗi nguyên vẹn: {n} dòng, kiểm tra lúc {at}.', broken: 'Chuỗi bị hỏng: nhật ký đã bị sửa hoặc xóa. Báo ngay cho người phụ trách an toàn thông tin.', close: 'Đóng', console: 'máy chủ',
    groups: { report: 'Phóng sự', broadcast: 'Lịch phát', urgent: 'Khẩn cấp', area: 'Địa bàn', person: 'Người dùng', agent: 'Cụm loa', pairing: 'Ghép nối', decision: 'Quyết định của xã', login: 'Đăng nhập', token: 'Mã truy cập', password: 'Mật khẩu', hub: 'Máy chủ' },
  },
  system: {
    title: 'Hệ thống', lead: 'Máy chủ này, sao lưu và cấu hình.', backup: 'Sao lưu', last: 'Lần gần nhất: {at}, {by}', never: 'Chưa sao lưu lần nào.', old: 'Đã {n} ngày chưa sao lưu.', fresh: 'Còn mới.', how: 'Sao lưu bằng lệnh trên máy chủ, kể cả khi đang chạy:', version: 'Phiên bản', schema: 'Phiên bản dữ liệu', zone: 'Múi giờ', url: 'Địa chỉ', nourl: 'chưa đặt (public_url)', tls: 'Mã hóa đường truyền', tlson: 'máy chủ tự mã hóa', tlsoff: 'chỉ trên máy này, hoặc do máy chủ proxy', settings: 'Cấu hình', settingshint: 'Cấu hình nằm trong tệp YAML hoặc biến LOA_HUB_… và đổi khi khởi động lại; không đổi được từ trang này để người chiếm được tài khoản không đổi được máy chủ.',
  },
};

type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };
const en: Same<typeof vi> = {
  evidence: {
    title: 'Results', lead: 'What was planned, what was played, and why the rest was not. From the log of each cluster.', period: 'Period', by: 'Rows', and: 'and by', nothing: 'Nothing more',
    dims: { month: 'Month', area: 'Area', series: 'Series', law_field: 'Legal field', language: 'Language', report: 'Report', class: 'Class', reason: 'Reason' },
    level: 'Areas by', below: 'Right below', each: 'Each by itself',
    planned: 'Planned', played: 'Played', cut: 'Cut short', skipped: 'Not played', unknown: 'Unknown', unknownhint: 'No record of the cluster came within a day.', minutes: 'Minutes heard', plannedminutes: 'Minutes planned', clusters: 'Clusters',
    share: '{n}% of the plan', missed: 'Not played and unknown', total: 'Total', notgiven: '(not given)', empty: 'No figures yet', emptyhint: 'Nothing was planned in this period. Choose another period or area.',
    chart: 'Plays by month', chartalt: 'Bar chart: planned and played in each month; the figures are in the table beside it.', heard: 'Played (cut short too)', csv: 'CSV', xlsx: 'Excel', print: 'Report to print', log: 'Each single play', custom: 'Other',
    past: 'Old names, counted under the area of today: ', pastone: '{was} (until {until}) → {now}',
    periods: { admin: 'Year {y} (15/12/{p}–14/12/{y})', year: 'Year {y} (1/1–31/12)', half: 'First half of {y} (15/12/{p}–14/6/{y})', quarter: 'Quarter {q} of {y}', month: 'Month {m}/{y}' },
  },
  print: { ...vi.print, title: 'Report to print', back: 'Back', go: 'Print', form: 'What the sheet says', above: 'Authority above', org: 'Reporting authority', number: 'Document number', place: 'Place', signer: 'Office of who signs', name: 'Name of who signs', to: 'Recipients (one a line)' },
  people: {
    title: 'People', lead: 'Who may do what, and where.', invite: 'Invite somebody', name: 'Name to sign in with', namehint: 'Letters, digits and . _ - @; never changes.', role: 'Role', area: 'Answers for', state: 'State', since: 'Since',
    active: 'Active', invited: 'No password yet', disabled: 'Disabled', otp: 'Two steps', edit: 'Edit', save: 'Save', cancel: 'Cancel', disable: 'Disable', enable: 'Enable', reset: 'Reset password', resethint: 'The password, sessions and tokens of {name} end at once. They choose a new one by the link below.', resetotp: 'Take the second step away too (lost phone)', disablehint: '{name} is signed out at once and loses every token. They can be enabled again, and must then be invited anew.',
    link: 'Set-up link', linkhint: 'Shown once. Give it to {name} alone; it works once, until {until}.', copy: 'Copy', copied: 'Copied', done: 'Done', saved: 'Saved', changed: 'Changes of {name}', empty: 'Nobody yet', emptyhint: 'Invite somebody, or choose another area.',
    roles: { admin: 'Admin: everything', officer: 'Officer: upload, schedule, approve others’', operator: 'Commune operator: look, and decide for the commune', viewer: 'Viewer: look' },
  },
  areas: {
    title: 'Areas', lead: 'The tree, its allowed hours and dayparts. What lies below can only be stricter.', add: 'Add an area', code: 'Code', codehint: 'Never changes.', name: 'Name', parent: 'Part of', top: '(top)', save: 'Save', cancel: 'Cancel', saved: 'Saved', choose: 'Choose an area to see and change it.', empty: 'No areas yet', emptyhint: 'Add one, from the top: the province, for example.', tree: 'Tree of areas', edit: 'Name and place',
    merge: 'Merge into another', mergehint: 'Clusters, people, reports and areas below {name} go to the other; its own hours and dayparts end. Broadcasts still sound on the clusters they were for. The log keeps the old name, sums go to the new area. This cannot be undone.', into: 'Merge into', merged: 'Merged. {n}', what: { agents: '{n} clusters', people: '{n} people', reports: '{n} reports' }, past: 'Names before: {names}',
    dayparts: 'Dayparts', daypart: 'Daypart', hours: 'Hours', days: 'Days', everyday: 'every day', from: 'From', own: 'its own', inherited: 'inherited from {name}', reserved: 'another source: {spans}', override: 'Set here', remove: 'Leave out here', back: 'Inherit again', adddaypart: 'Add a daypart', start: 'Start', end: 'End', off: 'left out here', nodayparts: 'No dayparts yet.', span: { start: 'From', end: 'Until' }, reservedtitle: 'Another source speaks (Loa is silent)', addreserved: 'Add a span of another source', source: 'Source',
    policy: 'Rules', rule: 'Rule', ownvalue: 'Own', effective: 'Holds', decidedby: 'By', nothing: '—', default: 'default', none: 'no limit', yes: 'yes', no: 'no', editpolicy: 'Change rules',
    rules: { windows: 'Allowed hours', dayparts_per_day: 'Dayparts a day', minutes_per_daypart: 'Minutes a daypart', volume: 'Volume limits', second_person: 'Needs a second person', urgent_volume: 'Urgent volume (%)', commune_may_move: 'Commune may move items', contact: 'Whom to call' }, addvolume: 'Add a volume limit', atmost: 'At most (%)', inherit: 'As above', windowhint: 'One a line, such as 05:00-11:00 or 05:00-21:00 mon,tue', badwindow: 'Write hours like 05:00-21:00.',
  },
  audit: {
    title: 'Audit log', lead: 'Who did what, when, and from where. The lines are a chain: none is changed unseen.', who: 'Who', action: 'What', subject: 'Subject', at: 'When', from: 'From', area: 'Area', details: 'Details', before: 'Before', after: 'After', all: 'Everything', empty: 'No lines', emptyhint: 'Take a filter away or choose a wider span.', verify: 'Check the chain', whole: 'The chain is whole: {n} lines, checked {at}.', broken: 'The chain is broken: the log was changed or cut. Tell whoever answers for security at once.', close: 'Close', console: 'console',
    groups: { report: 'Reports', broadcast: 'Broadcasts', urgent: 'Urgent', area: 'Areas', person: 'People', agent: 'Clusters', pairing: 'Pairing', decision: 'Communes’ decisions', login: 'Sign-in', token: 'Tokens', password: 'Passwords', hub: 'Hub' },
  },
  system: {
    title: 'System', lead: 'This hub, its backups and settings.', backup: 'Backup', last: 'Last: {at}, {by}', never: 'There was no backup yet.', old: 'No backup for {n} days.', fresh: 'Recent.', how: 'Back up by this command on the hub, which may run meanwhile:', version: 'Version', schema: 'Version of the data', zone: 'Time zone', url: 'Address', nourl: 'not set (public_url)', tls: 'Encryption', tlson: 'by the hub itself', tlsoff: 'this machine only, or by a proxy', settings: 'Settings', settingshint: 'Settings lie in a YAML file or in LOA_HUB_… and change when the hub restarts; not from this page, so that who takes an account does not take the hub.',
  },
};

export type AdminWords = typeof vi;

export function useAdminWords(): AdminWords {
  const { i18n } = useTranslation();
  return i18n.language === 'en' ? en : vi;
}

/** Puts values into words: {n}. */
export function put(words: string, values: Record<string, string | number>): string {
  return words.replace(/\{(\p{L}+)\}/gu, (all, name: string) => String(values[name] ?? all));
}
