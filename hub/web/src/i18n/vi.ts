export const vi = {
  app: { name: 'Loa', tagline: 'Phát thanh cơ sở', skip: 'Đến nội dung chính', menu: 'Mở hoặc đóng danh mục', nav: 'Danh mục chính' },
  nav: {
    library: 'Thư viện', calendar: 'Lịch phát', approvals: 'Chờ duyệt', readiness: 'Sẵn sàng', plays: 'Nhật ký phát', why: 'Vì sao', urgent: 'Khẩn cấp', fleet: 'Cụm loa', alarms: 'Cảnh báo',
    evidence: 'Kết quả phát', people: 'Người dùng', areas: 'Địa bàn', audit: 'Nhật ký thay đổi', system: 'Hệ thống',
    commune: 'Đài xã',
    signout: 'Đăng xuất', account: 'Tài khoản',
  },
  role: { admin: 'Quản trị', officer: 'Biên tập', operator: 'Cán bộ đài xã', viewer: 'Người xem' },
  look: { language: 'Ngôn ngữ', dark: 'Chuyển sang nền tối', light: 'Chuyển sang nền sáng' },
  live: { on: 'Đang cập nhật trực tiếp', off: 'Đang nối lại…' },
  signin: {
    title: 'Đăng nhập', name: 'Tên đăng nhập', password: 'Mật khẩu', otp: 'Mã xác thực một lần', otphint: 'Sáu chữ số trong ứng dụng xác thực của bạn',
    go: 'Đăng nhập', ended: 'Phiên làm việc đã hết hạn', endedhint: 'Đăng nhập lại để làm tiếp. Những gì bạn đang nhập vẫn còn nguyên.',
    lead: 'Đưa phóng sự đến loa của từng thôn, đúng giờ, có nhật ký.',
  },
  error: {
    choices: 'Chưa tải được danh sách này. Hãy tải lại trang.', network: 'Không nối được với máy chủ. Hãy kiểm tra mạng rồi thử lại.', again: 'Thử lại', title: 'Chưa tải được',
    page: 'Trang này gặp lỗi', pagehint: 'Những gì đã lưu vẫn còn. Hãy tải lại trang; nếu vẫn lỗi, báo cho quản trị viên.', reload: 'Tải lại trang',
    code: 'Mã: {{code}}', request: 'Mã yêu cầu: {{id}}', notfound: 'Không có trang này', notfoundhint: 'Đường dẫn có thể đã cũ. Hãy chọn một mục trong danh mục.',
  },
  common: {
    loading: 'Đang tải…', more: 'Xem thêm', save: 'Lưu', cancel: 'Bỏ', close: 'Đóng', edit: 'Sửa', all: 'Tất cả', from: 'Từ ngày', to: 'Đến ngày',
    area: 'Địa bàn', everywhere: 'Toàn hệ thống', by: '{{name}}, {{at}}', agent: 'Cụm loa', report: 'Phóng sự', next: 'Tiếp', back: 'Quay lại', optional: 'không bắt buộc',
    clusters: '{{n}} cụm loa', now: 'Bây giờ', date: 'Ngày', time: 'Giờ', none: 'Không có', remove: 'Bỏ {{what}}', up: 'Đưa {{what}} lên trước', down: 'Đưa {{what}} xuống sau', zone: 'Giờ {{zone}}', zonevn: 'Giờ Việt Nam (GMT+7)',
  },
  state: {
    report: { processing: 'Đang xử lý', failed: 'Lỗi', draft: 'Chờ duyệt', approved: 'Đã duyệt', withdrawn: 'Đã thu hồi' },
    broadcast: { draft: 'Chờ duyệt', approved: 'Đã duyệt', cancelled: 'Đã hủy' },
    urgent: { draft: 'Chờ duyệt', approved: 'Đang hiệu lực', cancelled: 'Đã dừng', ended: 'Đã hết hạn' },
    ready: { queued: 'Đang chờ nhận', receiving: 'Đang nhận', verified: 'Đã nhận đủ', armed: 'Sẵn sàng', playing: 'Đang phát', played: 'Đã phát', missed: 'Lỡ' },
    outcome: { played: 'Đã phát', cut: 'Phát dở', skipped: 'Không phát' },
  },
  stage: { probe: 'Kiểm tra tệp', measure: 'Đo âm lượng', normalise: 'Chỉnh âm lượng', encode: 'Nén', verify: 'Kiểm tra lại', '': 'Xếp hàng' },
  library: {
    title: 'Thư viện phóng sự', search: 'Tìm phóng sự (không cần dấu)…', searchlabel: 'Tìm phóng sự', upload: 'Tải lên',
    empty: 'Chưa có phóng sự nào', emptyhint: 'Kéo tệp âm thanh vào đây, hoặc bấm Tải lên. Nhận MP3, WAV, M4A, FLAC, OGG, WMA và video có tiếng.',
    nothing: 'Không tìm thấy phóng sự nào', nothinghint: 'Hãy thử ít từ hơn, hoặc bỏ bộ lọc.', clear: 'Bỏ tìm và bộ lọc',
    col: { title: 'Tên phóng sự', series: 'Chuyên mục', length: 'Dài', state: 'Tình trạng', author: 'Người tải lên', created: 'Ngày tải' }, filter: 'Lọc theo tình trạng', filters: 'Thêm bộ lọc', kind: 'Loại', filtered: 'Bộ lọc: {{n}}', from: 'Tải lên từ ngày', to: 'Tải lên đến ngày', law: 'Văn bản viện dẫn', laws: { expired: 'Đã hết hiệu lực', ending: 'Sắp hết hiệu lực (60 ngày)', in_force: 'Còn hiệu lực' },
  },
  upload: {
    title: 'Tải phóng sự lên', drop: 'Kéo nhiều tệp âm thanh vào đây', or: 'hoặc', choose: 'Chọn tệp', name: 'Tên phóng sự', file: 'Tệp {{name}}', common: 'Thông tin chung cho các tệp',
    series: 'Chuyên mục', source: 'Đài sản xuất', air_date: 'Ngày đài đã phát', language: 'Ngôn ngữ', speaker: 'Người đọc', rights: 'Bản quyền', law_fields: 'Lĩnh vực pháp luật', fieldhint: 'Ghi rồi bấm Enter',
    valid_from: 'Có giá trị từ ngày', valid_until: 'Hết giá trị từ ngày',
    send: 'Tải {{count}} tệp lên', tray: 'Tệp đang tải', waiting: 'Đang chờ', sending: 'Đang gửi {{n}}%', done: 'Đã nhận, máy chủ đang xử lý', failed: 'Chưa gửi được', again: 'Gửi lại', clear: 'Dọn danh sách', open: 'Mở phóng sự',
  },
  language: { add: 'Thêm ngôn ngữ', code: 'Mã (BCP 47)', vi: 'Tên tiếng Việt', en: 'Tên tiếng Anh' },
  trim: {
    title: 'Cắt hai đầu, bản {{n}}', open: 'Cắt hai đầu', openold: 'Cắt từ bản này', lead: 'Kéo hai mốc, hoặc nghe rồi bấm Lấy chỗ đang nghe. Nghe thử trước khi lưu.', from: 'Bắt đầu giữ từ', to: 'Giữ đến', here: 'Lấy chỗ đang nghe',
    all: 'Nghe đoạn giữ lại', begin: 'Nghe chỗ bắt đầu', end: 'Nghe chỗ kết thúc', left: 'Giữ lại {{kept}} giây; bỏ {{start}} giây ở đầu, {{end}} giây ở cuối.', kept: 'Bản hiện có không mất: nó được giữ làm bản cũ. Bản cắt phải được duyệt.',
    approved: 'Phóng sự này đã duyệt. Bản mới phải được duyệt lại; từ khi bản mới làm xong đến khi được duyệt, loa không phát phóng sự này.', older: 'Đang dùng bản {{n}}. Bản cắt này sẽ thay bản đó.', save: 'Lưu bản cắt', begun: 'Đang tạo bản mới',
  },
  versions: {
    title: 'Các bản âm thanh', n: 'Bản {{n}}', now: 'Đang dùng', how: { upload: 'tải lên', trim: 'cắt hai đầu', render: 'ghép chương trình' }, upload: 'Tải bản mới', hint: 'Mỗi bản được duyệt riêng; bản cũ giữ lại làm chứng cứ.', listen: 'Nghe bản này',
    approved: 'Đã duyệt: {{name}}, {{at}}.', unapproved: 'Chưa duyệt.', replaced: 'Được thay lúc {{at}}.', making: 'Đang tạo bản mới ({{how}}). Bản hiện có vẫn dùng đến khi xong.', failed: 'Không tạo được bản mới; bản hiện có vẫn giữ nguyên', pending: 'Đang tạo bản mới',
  },
  programme: {
    kind: 'Chương trình', new: 'Soạn chương trình', edit: 'Sửa các phần: {{title}}', change: 'Sửa các phần', lead: 'Các phóng sự nối nhau, có nhạc hiệu mở đầu và kết thúc, cùng một độ to. Ghép xong thành một bản, duyệt và lập lịch như phóng sự.', title: 'Tên chương trình', parts: 'Các phần', opening: 'Nhạc hiệu mở đầu', closing: 'Nhạc hiệu kết thúc',
    add: 'Thêm phóng sự vào chương trình', choose: 'Chọn hoặc tìm…', gap: 'Khoảng lặng giữa hai phần', seconds: '{{n}} giây', total: 'Tổng cộng {{length}}, {{n}} phần', make: 'Ghép chương trình', again: 'Ghép lại', begun: 'Đang ghép chương trình', at: 'từ {{at}}, dài {{length}}',
    stale: { PART_WITHDRAWN: 'Phần «{{title}}» đã bị thu hồi. Chương trình không được phát cho đến khi bỏ phần đó, ghép lại và duyệt lại.', PART_CHANGED: 'Phần «{{title}}» đã có bản âm thanh mới. Chương trình không được phát cho đến khi ghép lại và duyệt lại.' },
    blocks: 'Phóng sự này nằm trong chương trình: {{titles}}. Thu hồi thì các chương trình đó cũng ngừng phát cho đến khi ghép lại.',
  },
  law: {
    cited: 'Văn bản pháp luật được viện dẫn', nth: 'Văn bản {{n}}', number: 'Số hiệu', title: 'Tên văn bản', from: 'Có hiệu lực từ', until: 'Hết hiệu lực từ', add: 'Thêm văn bản',
    expired: '{{law}} đã hết hiệu lực từ {{at}}. Hãy nghe lại, sửa hoặc thu hồi phóng sự.', ending: '{{law}} sẽ hết hiệu lực từ {{at}}.', early: '{{law}} chưa có hiệu lực, có hiệu lực từ {{at}}.',
    span: { both: 'hiệu lực từ {{from}} đến trước {{until}}', from: 'hiệu lực từ {{from}}', until: 'hiệu lực đến trước {{until}}' },
  },
  edit: {
    title: 'Sửa thông tin phóng sự', open: 'Sửa thông tin', saved: 'Đã lưu thông tin phóng sự', reapprove: 'Phóng sự này đã duyệt. Nếu sửa, phải duyệt lại; trong lúc chờ, loa không phát phóng sự này.', editor: 'Sửa lần cuối',
  },
  report: {
    back: 'Thư viện', play: 'Nghe', pause: 'Dừng nghe', position: 'Vị trí nghe', of: '{{at}} / {{all}}', wave: 'Dạng sóng của phóng sự', failedwave: 'Không tải được âm thanh',
    level: 'Âm lượng', good: 'Âm lượng đạt chuẩn: {{lufs}} LUFS, đỉnh {{peak}} dBTP.', off: 'Âm lượng {{lufs}} LUFS, lệch mức chuẩn −18 LUFS.', gainup: 'Bản gốc nhỏ, đã tăng {{db}} dB.', gaindown: 'Bản gốc to, đã giảm {{db}} dB.',
    cut: 'Đã cắt: {{start}} giây ở đầu, {{end}} giây ở cuối của bản gốc.', trim: 'Đã cắt khoảng lặng: {{start}} giây ở đầu, {{end}} giây ở cuối.', noclip: 'Không phát hiện vỡ tiếng hay mất đoạn.',
    warn: {
      SOURCE_CLIPPED: 'Bản gốc bị vỡ tiếng (thu quá to). Hãy nghe kỹ; nếu khó nghe, thu lại.', SOURCE_DAMAGED: 'Tệp gốc có lỗi. Hãy nghe hết trước khi duyệt.',
      SOURCE_QUIET: 'Bản gốc rất nhỏ, đã tăng hơn 20 dB; tiếng nền có thể rõ hơn. Hãy nghe lại.', PHASE_CANCELLED: 'Hai kênh trái phải triệt tiêu nhau, đã lấy kênh to hơn. Hãy nghe lại.',
      SOURCE_NO_END: 'Tệp không có dấu kết thúc, có thể bị cắt cụt. Hãy nghe đoạn cuối.', LEVEL_NOT_EXACT: 'Âm lượng chưa đạt đúng mức chuẩn. Hãy nghe lại.', PEAK_NOT_REACHED: 'Đỉnh âm vượt mức chuẩn. Hãy nghe lại.',
    },
    about: 'Thông tin', source: 'Đơn vị sản xuất', series: 'Chuyên mục', language: 'Tiếng', law: 'Văn bản', valid: 'Giá trị', validfrom: 'từ {{at}}', validuntil: 'đến {{at}}', always: 'Không giới hạn', length: 'Thời lượng', size: 'Dung lượng',
    file: 'Tệp gốc', author: 'Người tải lên', approved: 'Người duyệt', version: 'Phiên bản', processing: 'Đang xử lý: {{stage}}', processinghint: 'Trang này tự cập nhật; bạn có thể làm việc khác.',
    approve: 'Duyệt', approvehint: 'Duyệt nghĩa là âm thanh này được phép phát trên loa.', own: 'Bạn là người tải lên; nơi cần hai người, người khác phải duyệt.', approvedone: 'Đã duyệt phóng sự',
    withdraw: 'Thu hồi', withdrawtitle: 'Thu hồi phóng sự', withdrawhint: 'Phóng sự bị gỡ khỏi mọi lịch phát, không phát lại được nữa. Việc này không hoàn tác được.', reason: 'Lý do', reasonhint: 'Lý do được ghi vào nhật ký và gửi đến các cụm loa.',
    withdrawdone: 'Đã thu hồi', withdrawn: 'Đã thu hồi {{at}} bởi {{name}}: {{reason}}', reach: 'Đã phát trên {{heard}} cụm loa ({{plays}} lần). Đang có trong lịch của {{planned}} cụm loa.', reachnone: 'Chưa phát ở đâu. Đang có trong lịch của {{planned}} cụm loa.',
    failed: 'Không xử lý được tệp này', kb: '{{n}} KB', mb: '{{n}} MB', schedule: 'Lập lịch phát',
  },
  calendar: {
    title: 'Lịch phát', month: 'Tháng', timed: 'Theo giờ', week: 'Tuần', day: 'Ngày', today: 'Hôm nay', prev: 'Trước', nextspan: 'Sau', create: 'Lập lịch phát', leftoff: 'Địa bàn này quá rộng để hiện hết. Hãy chọn xã để xem đủ.', empty: 'Chưa có lịch phát nào trong khoảng này', emptyhint: 'Kéo trên lịch để chọn giờ, hoặc bấm Lập lịch phát.',
    legend: 'Khung màu là buổi phát; viền đứt là lịch chờ duyệt.', notheard: 'không phát được', partly: 'bớt {{n}} mục',
  },
  form: {
    new: 'Lập lịch phát', edit: 'Sửa lịch phát', title: 'Tên lịch phát', class: 'Loại bản tin', normal: 'Thông thường', priority: 'Ưu tiên', reports: 'Phóng sự, theo thứ tự phát', addreport: 'Thêm phóng sự…', noreports: 'Chọn ít nhất một phóng sự.', total: 'Tổng: {{length}}',
    when: 'Phát khi nào', daypart: 'Trong buổi phát', exact: 'Đúng giờ', daypartname: 'Buổi phát', nodayparts: 'Địa bàn này chưa có buổi phát. Hãy chọn Đúng giờ.', date: 'Ngày', time: 'Giờ', repeat: 'Lặp lại', once: 'Một lần', daily: 'Hằng ngày', weekly: 'Theo thứ', until: 'Đến hết ngày', days: 'Các thứ', exdates: 'Trừ các ngày',
    where: 'Phát ở đâu', areas: 'Địa bàn', areashint: 'Gồm mọi cụm loa thuộc địa bàn, kể cả cụm đang mất kết nối.', except: 'Trừ', lateness: 'Nếu bị trễ', late: { skip: 'Bỏ lần phát đó', join: 'Phát tiếp từ đoạn đáng lẽ đang phát', 'whole:15': 'Phát từ đầu nếu trễ không quá 15 phút' },
    preview: 'Xem trước', previewhint: 'Chọn phóng sự, địa bàn và giờ để xem lịch sẽ chạy ra sao.', next: 'Các lần phát tới', notatall: 'không phát được', conflicts: 'Cần xem lại', noconflicts: 'Không có xung đột.', saving: 'Lưu lịch phát', saved: 'Đã lưu, chờ duyệt', reapprove: 'Lịch này đã duyệt và vẫn phát như cũ đến khi bản sửa được duyệt. Muốn im ngay: bỏ ngày đó hoặc hủy lịch.', series: 'Sửa cả chuỗi, không riêng một lần.', oneonly: 'Bỏ riêng ngày {{date}}',
    conflict: {
      skipped: '«{{title}}» sẽ không phát: {{reason}}.', displaces: 'Lịch này đẩy «{{title}}» ra khỏi giờ của nó: {{reason}}.', rerun: '{{n}} cụm loa đã nghe «{{title}}» trong 7 ngày qua.', unprepared: '«{{title}}» chưa xử lý xong âm thanh.', at: '{{n}} cụm loa, {{when}}', times: '{{n}} lần, lần đầu {{when}}', winner: 'Phát thay: «{{title}}».',
    },
  },
  show: { title: 'Chi tiết lịch phát', approve: 'Duyệt lịch phát', approved: 'Đã duyệt lịch phát', cancel: 'Hủy lịch phát', cancelhint: 'Lịch bị gỡ khỏi mọi cụm loa. Việc này không hoàn tác được.', cancelled: 'Đã hủy lịch phát', by: 'Người lập: {{name}}', readiness: 'Các cụm loa', skipped: 'Không phát: {{reason}}', heard: '{{n}} cụm loa nghe', targets: 'Địa bàn: {{areas}}', keep: 'Giữ lại' },
  approvals: {
    title: 'Chờ duyệt', reports: 'Phóng sự', broadcasts: 'Lịch phát', urgent: 'Khẩn cấp', empty: 'Không còn gì chờ duyệt', emptyhint: 'Phóng sự và lịch phát mới sẽ tự hiện ở đây.', open: 'Mở', listen: 'Nghe rồi duyệt', author: 'của {{name}}, {{at}}', view: 'Xem và duyệt', may: 'Vai trò của bạn chỉ được xem.',
  },
  readiness: {
    title: 'Sẵn sàng cho buổi tới', hours: 'Trong', h: '{{n}} giờ tới', summary: '{{ok}} trên {{all}} cụm loa sẵn sàng', allok: 'Tất cả sẵn sàng.', miss: '{{n}} cụm loa sẽ lỡ:', empty: 'Không có gì sắp phát', emptyhint: 'Trong thời gian này chưa có lịch phát nào đã duyệt. Hãy lập và duyệt lịch, hoặc chọn khoảng dài hơn.', left: 'còn {{t}}', min: '{{m}} phút', hmin: '{{h}} giờ {{m}} phút', now: 'đang diễn ra', all: 'Xem mọi cụm loa', less: 'Thu gọn',
    trouble: { offline: 'mất kết nối từ {{at}}, chưa nhận đủ', audio: 'đang nhận âm thanh, {{n}}%', plan: 'chưa nhận kế hoạch mới nhất', clock: 'đồng hồ chưa tin được', card: 'không có cạc âm thanh' }, never: 'chưa từng kết nối', exact: 'Đúng giờ', dayparts: { morning: 'Buổi sáng', noon: 'Buổi trưa', evening: 'Buổi chiều' },
  },
  why: {
    title: 'Vì sao phát, vì sao không', lead: 'Chọn cụm loa và thời điểm, đã qua hoặc sắp tới.', ask: 'Xem', agent: 'Cụm loa', at: 'Vào lúc {{at}}', plays: 'Phát «{{title}}»', silent: 'Im lặng', nothing: 'Không có gì được xếp vào lúc này.', won: 'Được phát', lost: 'Không được phát', recorded: 'theo nhật ký của cụm loa', planned: 'theo lịch', noagents: 'Chưa có cụm loa nào', noagentshint: 'Quản trị viên cần ghép nối cụm loa trước.', choose: 'Chọn một cụm loa để xem.',
  },
  plays: {
    title: 'Nhật ký phát', csv: 'Tải CSV', xlsx: 'Tải Excel', empty: 'Chưa có lần phát nào', emptyhint: 'Không có lần phát nào như vậy trong những ngày này. Hãy chọn khoảng ngày rộng hơn hoặc bỏ bộ lọc.', col: { what: 'Phóng sự', agent: 'Cụm loa', planned: 'Giờ phát', outcome: 'Kết quả', heard: 'Đã ra loa' }, outcome: 'Kết quả', why: 'Vì sao', heard: '{{ms}} / {{all}}',
  },
  urgent: {
    title: 'Bản tin khẩn cấp', lead: 'Phát ngay, chen ngang mọi chương trình. Cần hai người: một người soạn, một người duyệt.', kind: 'Bạn đang làm gì?', drill: 'Diễn tập', drillhint: 'Không phá giờ yên tĩnh, không phá chế độ tắt tiếng. Ghi rõ là diễn tập.', live: 'Khẩn cấp thật', livehint: 'Phát ngay cả trong giờ yên tĩnh và khi loa đang tắt tiếng.',
    step: 'Bước {{n}} trên 2', compose: 'Soạn', review: 'Kiểm tra và gửi duyệt', until: 'Hiệu lực', for: '{{n}} phút', hours: '{{n}} giờ', repeat: 'Phát lặp lại', norepeat: 'Một lần', every: 'Mỗi {{n}} phút, {{count}} lần', submit: 'Gửi người thứ hai duyệt', submitted: 'Đã gửi, chờ người thứ hai duyệt', approvedreports: 'Chỉ phóng sự đã duyệt mới dùng được.',
    list: 'Bản tin', empty: 'Chưa có bản tin nào', emptyhint: 'Khi cần, chọn Diễn tập hoặc Khẩn cấp thật ở trên.', approve: 'Kiểm tra để phát', approvetitle: 'Phát bản tin này?', reach: 'Sẽ phát ngay trên {{n}} cụm loa; {{online}} cụm đang kết nối.', confirm: 'Gõ chữ {{word}} để xác nhận', word: 'PHÁT', go: 'Phát ngay', went: 'Bản tin đang được phát', stop: 'Dừng ngay', discard: 'Hủy bản tin', stopped: 'Đã dừng bản tin', stophint: 'Âm thanh dừng ngay trên mọi cụm loa.', untilat: 'đến {{at}}', none: 'Vai trò của bạn không được soạn bản tin khẩn cấp.', summary: 'Sẽ gửi duyệt: {{kind}}, {{n}} phóng sự, {{areas}}, hiệu lực {{until}}.',
  },
  reason: {
    complete: 'phát trọn', joined: 'phát tiếp giữa chừng do trễ', late_whole: 'phát trọn, trễ trong mức cho phép', resumed: 'phát tiếp sau khi bị chen ngang', late: 'đã quá trễ', collision: 'trùng giờ với lịch khác', daypart_full: 'buổi phát không còn đủ chỗ', no_daypart: 'địa bàn không có buổi phát này vào ngày đó', quiet_hours: 'ngoài khung giờ cho phép', dayparts_per_day: 'vượt số buổi phát một ngày', reserved: 'nguồn khác đang tiếp âm', not_valid: 'phóng sự chưa hoặc không còn giá trị', withdrawn: 'phóng sự đã thu hồi', commune_skipped: 'xã bỏ qua', stopped: 'cán bộ đài bấm dừng', muted: 'xã đang tắt tiếng', urgent: 'bản tin khẩn cấp chen ngang', superseded: 'lần lặp sau thay thế', cancelled: 'lịch phát đã hủy', plan_ended: 'kế hoạch phát hết hạn', clock_untrusted: 'đồng hồ không tin được', agent_off: 'máy ở cụm loa không chạy', power: 'mất điện hoặc máy dừng đột ngột', audio_missing: 'âm thanh chưa về đến nơi', audio_damaged: 'âm thanh bị hỏng', card_missing: 'không có cạc âm thanh', unknown: 'chưa rõ', '': '',
  },
  commune: {
    none: 'Chưa có cụm loa nào', nonehint: 'Địa bàn của bạn chưa có cụm loa. Hãy hỏi quản trị của trung tâm.', now: 'Đang phát', online: 'Máy ở đài đang nối', offline: 'Mất liên lạc từ {{at}}', held: 'Đã dừng, đến {{at}}', muted: 'Đang tắt tiếng đến {{at}}', mutedopen: 'Đang tắt tiếng, chưa hẹn giờ bật lại', due: 'Máy mất liên lạc; theo lịch, lúc này phát', plays: 'Đang phát',
    position: 'Vị trí trong mục đang phát', left: 'còn {{left}}', ends: 'hết lúc {{at}}', silent: 'Lúc này không phát gì', next: 'Tiếp theo, {{at}}: {{title}}', volume: 'Âm lượng {{n}}%, quy định tối đa {{most}}%', programme: 'Chương trình', day: 'Chọn ngày', tomorrow: 'Ngày mai', empty: 'Không có mục nào', emptyhint: 'Ngày này loa không phát gì theo lịch.',
    stop: 'DỪNG PHÁT', continue: 'Phát tiếp', stopall: 'Dừng cả {{n}} cụm', decided: 'Quyết định của xã', nothingdecided: 'Chưa có quyết định nào trong 9 ngày qua.', over: 'đã hết hiệu lực', until: 'đến {{at}}',
    bypc: '{{who}}, tại máy ở đài', byhub: '{{who}}, trên trang trung tâm', had: 'Máy ở đài đã nhận lúc {{at}}', sending: 'Đang gửi đến máy ở đài…', waiting: 'Chờ máy ở đài, thấy lần cuối {{at}}', waitingever: 'Chờ máy ở đài kết nối lần đầu', howlong: 'Tắt tiếng bao lâu', h: '{{n}} giờ', at: 'Đến giờ…', untiltime: 'Tắt tiếng đến', newtime: 'Giờ mới', most: 'Quy định tối đa lúc này: {{n}}%.',
    do: { mute: 'Tắt tiếng', unmute: 'Bật tiếng lại', volume: 'Âm lượng', order: 'Đổi thứ tự', skip: 'Bỏ qua', move: 'Dời giờ' },
    go: { mute: 'Tắt tiếng', unmute: 'Bật tiếng lại', volume: 'Đặt âm lượng', order: 'Đổi thứ tự', skip: 'Bỏ qua mục này', move: 'Dời giờ' },
    how: {
      mute: 'Loa im lặng trong thời gian này, trừ tin khẩn cấp.', unmute: 'Loa phát lại theo lịch từ mục tiếp theo.', volume: 'Có hiệu lực từ mục tiếp theo; tin khẩn cấp giữ âm lượng riêng.', order: 'Đổi được đến 30 phút trước buổi phát. Mục ưu tiên luôn trước mục thông thường.', skip: 'Mục này sẽ không phát.', move: 'Mục này phát vào giờ khác trong ngày. Nếu giờ đó không phát được, trang nói lý do và không đổi gì.',
    },
    reasons: { funeral: 'Đám tang trong thôn', meeting: 'Họp thôn', people: 'Theo chỉ đạo của Ủy ban', wrong: 'Nội dung không phù hợp' },
    kind: { hold: 'Dừng phát', release: 'Phát tiếp', mute: 'Tắt tiếng', unmute: 'Bật tiếng lại', skip: 'Bỏ qua', move: 'Dời sang {{at}}', order: 'Đổi thứ tự buổi phát', volume: 'Âm lượng {{n}}%', pin: 'Đặt lại mã PIN', own: 'Đưa bài của xã vào buổi phát', allow: 'Cho phép bài của xã' },
    state: { planned: 'Sẽ phát', playing: 'Đang phát', played: 'Đã phát', cut: 'Phát dở', skipped: 'Không phát', unknown: 'Chưa rõ' }, owner: { hub: 'trung tâm', commune: 'của xã' },
  },
  own: {
    title: 'Mục riêng của xã', add: 'Thêm mục', none: 'Xã chưa có mục riêng nào.', how: 'Tải tệp âm thanh lên, chọn buổi và ngày còn chỗ. Cán bộ biên tập duyệt xong thì loa mới phát.', file: 'Chọn tệp âm thanh', send: 'Gửi duyệt', sent: 'Đã gửi, chờ duyệt',
    dayparts: 'Buổi phát', adddaypart: 'Thêm buổi', above: 'của cấp trên', name: 'Tên buổi phát', start: 'Từ', end: 'Đến', savedaypart: 'Lưu buổi phát',
  },
  class: { normal: 'Thông thường', priority: 'Ưu tiên', urgent: 'Khẩn cấp' },
  weekday: { MO: 'T2', TU: 'T3', WE: 'T4', TH: 'T5', FR: 'T6', SA: 'T7', SU: 'CN' },
};

/** Another language has the same words. */
export type Words = Same<typeof vi>;
type Same<T> = { [K in keyof T]: T[K] extends string ? string : Same<T[K]> };
