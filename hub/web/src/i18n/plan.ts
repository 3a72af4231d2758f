import i18n from 'i18next';

/** The words of planning and approving: they come with those pages, not with the first one. */
const vi = {
  clock: '{{m}} phút {{s}} giây', seconds: '{{s}} giây', minutes: '{{m}} phút',
  over: 'Vượt {{t}}.', nogap: 'Còn đủ thời gian nhưng không còn khoảng liền nhau nào đủ dài.',
  bound: {
    daypart: 'Giới hạn: độ dài buổi phát.', minutes_per_daypart: 'Quy định: tối đa {{n}} phút mỗi buổi.', dayparts_per_day: 'Quy định: tối đa {{n}} buổi mỗi ngày.', window: 'Quy định: giờ yên tĩnh, ngoài khung giờ được phát.',
  },
  rerun: '«{{title}}»: {{n}} địa bàn này đã nghe ngày {{day}}: {{areas}}.', andmore: '{{areas}} và {{n}} nơi khác',
  move: 'Dời đến {{to}}', moveby: 'Dời', shorten: 'Bỏ bớt', let: 'Để nguyên', kept: 'Đã chấp nhận', unlet: 'Xem lại', moved: 'Đã dời. Xem trước ở dưới cho biết có ổn không.',
  first: 'Phát ở địa bàn khác nhau vào giờ khác nhau.',
  which: { title: 'Sửa một lần hay cả chuỗi?', one: 'Chỉ lần ngày {{day}}', oneagain: 'Chuỗi giữ nguyên và vẫn được duyệt; lần này đổi khi được duyệt.', all: 'Cả chuỗi', allhint: 'Mọi lần tới đây, khi được duyệt lại; trước đó phát như cũ. Ngày đã bỏ vẫn bỏ.' },
  one: 'Chỉ thay lần ngày {{day}} của chuỗi.', stretched: 'Độ dài là của phóng sự. Kéo dài nghĩa là được bắt đầu trễ tối đa {{n}} phút.', pressed: 'Độ dài là của phóng sự. Rút ngắn đã bỏ {{n}} phóng sự cuối.', cannot: 'Chỉ có một phóng sự nên không rút ngắn được.',
  latest: 'Được bắt đầu trễ (phút)', whole: 'Phát từ đầu nếu trễ không quá số phút',
  copy: 'Nhân bản', copied: 'Bản sao. Lưu để lập lịch mới.', leave: 'Bỏ lần này', left: 'Đã bỏ lần ngày {{day}}', off: 'Các ngày đã bỏ', restore: 'Phát lại ngày {{day}}', restored: 'Đã đưa ngày {{day}} trở lại',
  undo: { do: 'Hoàn tác', what: 'Hoàn tác: {{what}}', done: 'Đã hoàn tác: {{what}}', none: 'Không có gì để hoàn tác', created: 'lập «{{title}}»', edited: 'sửa «{{title}}»', cancelled: 'hủy «{{title}}»', left: 'bỏ ngày {{day}} của «{{title}}»', restored: 'đưa lại ngày {{day}} của «{{title}}»', again: 'Nội dung cũ trở lại và chờ duyệt.' },
  holidays: 'Ngày nghỉ', skipholidays: 'Không phát vào ngày nghỉ lễ của địa bàn', extra: 'Thêm các ngày',
  marks: { title: 'Nhãn và ngày nghỉ', of: 'Của {{area}}', tags: 'Nhãn của địa bàn', tagshint: 'Mọi nơi bên dưới cũng mang nhãn này.', agents: 'Nhãn của từng cụm loa', holidays: 'Ngày nghỉ lễ', name: 'Tên ngày nghỉ', add: 'Thêm ngày nghỉ', none: 'Chưa có ngày nghỉ nào.', noagents: 'Địa bàn này chưa có cụm loa.', saved: 'Đã lưu nhãn và ngày nghỉ', choose: 'Chọn một địa bàn ở trên lịch trước.', new: 'Gõ nhãn rồi nhấn Enter' },
  closer: 'Chọn kỹ hơn', agents: 'Thêm từng cụm loa', agentshint: 'Cụm đang mất kết nối cũng chọn được.', offline: 'mất kết nối', online: 'đang kết nối', tags: 'Chỉ nơi mang nhãn', tagshint: 'Trong các địa bàn đã chọn.', excepttags: 'Trừ nơi mang nhãn', exceptagents: 'Trừ cụm loa',
  own: {
    title: 'Bài riêng của xã, đưa vào tại máy ở đài', where: 'Âm thanh của các bài này chỉ nằm ở máy của cụm loa, trung tâm không nghe được. Hãy gọi cho xã, nghe qua điện thoại rồi mới cho phép.', when: '{{daypart}} {{at}}, {{day}}: vào chỗ trống, sau các mục khác.', level: 'Âm lượng: máy ở cụm loa đã đưa về mức chuẩn −18 LUFS, đỉnh không quá −1,5 dBTP.',
    by: '{{who}} đưa vào lúc {{at}}.', bysomebody: 'Đưa vào lúc {{at}}.', reason: 'Lý do: {{reason}}', allow: 'Cho phép phát', allowed: 'Đã cho phép; máy ở đài sẽ phát khi nhận được', refuse: 'Không cho phát', refusetitle: 'Không cho phát «{{title}}»', wordshint: 'Xã đọc được lời này ở máy và trên điện thoại.', refused: 'Đã từ chối; máy ở đài sẽ gỡ bài này',
  },
  back: { do: 'Trả lại', title: 'Trả lại cho tác giả', words: 'Cần sửa gì', hint: 'Tác giả đọc được lời này và gửi duyệt lại.', done: 'Đã trả lại cho tác giả', said: '{{name}} trả lại lúc {{at}}:', again: 'Gửi duyệt lại', sent: 'Đã gửi duyệt lại', list: 'Đã trả lại, chờ tác giả sửa' },
  changes: { title: 'Thay đổi so với bản đã duyệt', first: 'Bản đầu tiên, chưa duyệt lần nào.', none: 'Không khác bản đã duyệt.', before: 'Đã duyệt', now: 'Bây giờ', since: 'Bản {{name}} duyệt lúc {{at}}', heard: 'Bản đã duyệt vẫn phát đến khi bản sửa này được duyệt.', field: 'Mục', gone: 'không có' },
  field: { title: 'Tên', class: 'Loại', items: 'Phóng sự', when: 'Khi nào', targets: 'Ở đâu', lateness: 'Nếu trễ', order: 'Thứ tự', series: 'Chuyên mục', source: 'Đơn vị sản xuất', language: 'Tiếng', air_date: 'Ngày đài đã phát', speaker: 'Người đọc', rights: 'Bản quyền', laws: 'Văn bản', law_fields: 'Lĩnh vực', valid_from: 'Giá trị từ', valid_until: 'Giá trị đến', area: 'Địa bàn' },
  listen: 'Nghe', read: 'Đọc', contents: 'Nội dung', more: 'Xem thêm {{n}}', ready: '{{t}} nữa phát', playingnow: 'đang phát', percent: '{{n}}%', updated: 'Cập nhật lúc {{at}}', count: '{{n}} {{state}}',
};

const en: typeof vi = {
  clock: '{{m}} min {{s}} s', seconds: '{{s}} s', minutes: '{{m}} min',
  over: 'Over by {{t}}.', nogap: 'There is time enough, but not in one piece.',
  bound: { daypart: 'The bound is the daypart’s length.', minutes_per_daypart: 'The rule: at most {{n}} minute{{n, s}} a daypart.', dayparts_per_day: 'The rule: at most {{n}} daypart{{n, s}} a day.', window: 'The rule: quiet hours.' },
  rerun: '“{{title}}” was heard on {{day}} in {{n}} area{{n, s}}: {{areas}}.', andmore: '{{areas}} and {{n}} more',
  move: 'Move to {{to}}', moveby: 'Move', shorten: 'Shorten', let: 'Let it be', kept: 'Accepted', unlet: 'Look again', moved: 'Moved. The preview below tells whether it fits.',
  first: 'It is heard at different times in different areas.',
  which: { title: 'One time or the series?', one: 'Only that of {{day}}', oneagain: 'The series stays as it is, approved; this time changes when it is approved.', all: 'The series', allhint: 'All times to come, once approved again; until then as before. Days off stay off.' },
  one: 'Stands for the series on {{day}} only.', stretched: 'Its length is the reports’. Stretching lets it begin up to {{n}} minute{{n, s}} late.', pressed: 'Its length is the reports’. Pressing left out the last {{n}}.', cannot: 'There is one report only: it cannot be shortened.',
  latest: 'May begin late by (minutes)', whole: 'Play whole if late by no more than some minutes',
  copy: 'Copy', copied: 'A copy. Save it to make a new broadcast.', leave: 'Leave this time out', left: 'Left out on {{day}}', off: 'Days off', restore: 'Take {{day}} back in', restored: '{{day}} is back in',
  undo: { do: 'Undo', what: 'Undo: {{what}}', done: 'Undone: {{what}}', none: 'Nothing to undo', created: 'creating “{{title}}”', edited: 'editing “{{title}}”', cancelled: 'cancelling “{{title}}”', left: 'leaving out {{day}} of “{{title}}”', restored: 'taking back {{day}} of “{{title}}”', again: 'What it was is back, and waits for approval.' },
  holidays: 'Holidays', skipholidays: 'Not on the area’s holidays', extra: 'Days besides',
  marks: { title: 'Tags and holidays', of: 'Of {{area}}', tags: 'Tags of the area', tagshint: 'Everything below bears them too.', agents: 'Tags of each cluster', holidays: 'Holidays', name: 'Name', add: 'Add a holiday', none: 'No holidays yet.', noagents: 'There is no cluster in this area.', saved: 'Tags and holidays saved', choose: 'Choose an area above the calendar first.', new: 'Type a tag, then Enter' },
  closer: 'More choices', agents: 'Single clusters besides', agentshint: 'Those that are offline can be chosen too.', offline: 'offline', online: 'online', tags: 'Only those with a tag', tagshint: 'Within the areas chosen.', excepttags: 'Except those with a tag', exceptagents: 'Except clusters',
  own: {
    title: 'Communes’ own items, put in at their PCs', where: 'The audio of these is at the cluster’s PC alone; it cannot be heard here. Call the commune and hear it by telephone before you allow it.', when: '{{daypart}} {{at}}, {{day}}: in a free place, after the other items.', level: 'Level: brought to the usual −18 LUFS by the cluster’s PC, peaks at most −1.5 dBTP.',
    by: 'Put in by {{who}}, {{at}}.', bysomebody: 'Put in {{at}}.', reason: 'Reason: {{reason}}', allow: 'Allow', allowed: 'Allowed; the PC plays it once it has this', refuse: 'Refuse', refusetitle: 'Refuse “{{title}}”', wordshint: 'The commune reads this at the PC and on the phone.', refused: 'Refused; the PC takes it out',
  },
  back: { do: 'Send back', title: 'Send back to the author', words: 'What is to be corrected', hint: 'The author reads this and submits again.', done: 'Sent back to the author', said: '{{name}} sent it back at {{at}}:', again: 'Submit again', sent: 'Submitted again', list: 'Sent back, with their authors' },
  changes: { title: 'Changes since it was approved', first: 'The first version: never approved.', none: 'The same as was approved.', before: 'Approved', now: 'Now', since: 'Approved by {{name}} at {{at}}', heard: 'What was approved is heard until this edit is approved.', field: 'Field', gone: 'none' },
  field: { title: 'Title', class: 'Class', items: 'Reports', when: 'When', targets: 'Where', lateness: 'If late', order: 'Order', series: 'Series', source: 'Produced by', language: 'Language', air_date: 'Aired on', speaker: 'Speaker', rights: 'Rights', laws: 'Laws', law_fields: 'Fields', valid_from: 'Valid from', valid_until: 'Valid until', area: 'Area' },
  listen: 'Listen', read: 'Read', contents: 'Contents', more: '{{n}} more', ready: 'in {{t}}', playingnow: 'on air', percent: '{{n}}%', updated: 'As of {{at}}', count: '{{n}} {{state}}',
};

i18n.addResourceBundle('vi', 'plan', vi);
i18n.addResourceBundle('en', 'plan', en);
