package library

import "github.com/loa-vn/loa/internal/problem"

// What the library refuses. The values are never changed; With and At give copies.
var (
	errNotFound = problem.New("REPORT_NOT_FOUND", 404,
		"Không có phóng sự này. Hãy chọn lại trong thư viện.",
		"There is no such report. Choose one from the library.")
	errStale = problem.New("STALE_VERSION", 412,
		"Phóng sự vừa được người khác sửa. Hãy tải lại trang rồi làm lại.",
		"Somebody changed the report meanwhile. Load it again, then repeat your change.")
	errNotReady = problem.New("REPORT_NOT_READY", 409,
		"Phóng sự chưa xử lý xong hoặc bị lỗi nên chưa duyệt được. Hãy chờ xử lý xong, hoặc tải lên tệp khác.",
		"The report is still being processed or has failed, so it cannot be approved. Wait until it is processed, or upload another file.")
	errWithdrawn = problem.New("REPORT_WITHDRAWN", 409,
		"Phóng sự đã bị thu hồi và không dùng lại được. Nếu vẫn cần, hãy tải lên một phóng sự mới.",
		"The report was withdrawn for good. If it is needed after all, upload it as a new report.")
	errSelfApproval = problem.New("SELF_APPROVAL", 409,
		"Quy định ở địa bàn này cần người thứ hai duyệt. Hãy nhờ một cán bộ khác duyệt phóng sự của bạn.",
		"Approval by a second person is the rule here. Ask another officer to approve your report.")
	errTitle = problem.New("TITLE_INVALID", 422,
		"Hãy ghi tên phóng sự, từ 1 đến 200 ký tự.",
		"Give the report a title of 1 to 200 characters.").At("title")
	errText = problem.New("TEXT_INVALID", 422,
		"Văn bản này có ký tự xuống dòng, ký tự điều khiển hoặc ký tự đổi chiều chữ. Hãy xóa các ký tự đó.",
		"This text has line breaks, control characters or marks that turn its direction. Remove them.")
	errTooLong = problem.New("TEXT_TOO_LONG", 422,
		"Mục này dài quá 500 ký tự. Hãy rút ngắn.",
		"This text is longer than 500 characters. Shorten it.")
	errValidity = problem.New("VALIDITY_INVALID", 422,
		"Thời điểm hết hiệu lực phải sau thời điểm bắt đầu. Hãy sửa lại ngày giờ.",
		"The end of validity must be after its beginning. Correct the dates.").At("valid_until")
	errReason = problem.New("REASON_REQUIRED", 422,
		"Hãy ghi lý do thu hồi, từ 1 đến 500 ký tự.",
		"Say why the report is withdrawn, in 1 to 500 characters.").At("reason")
	errNotDraft = problem.New("REPORT_NOT_DRAFT", 409,
		"Chỉ trả lại được phóng sự đang chờ duyệt. Hãy tải lại trang; phóng sự đã duyệt thì thu hồi.",
		"Only a report that waits for approval can be sent back. Load the page again; withdraw one that is approved.")
	errWords = problem.New("WORDS_MISSING", 422,
		"Hãy viết cho tác giả biết cần sửa gì, từ 1 đến 1.000 ký tự.",
		"Tell the author what to correct, in 1 to 1,000 characters.").At("words")
	errCursor = problem.New("CURSOR_INVALID", 422,
		"Dấu trang không hợp lệ. Hãy mở lại danh sách từ đầu.",
		"This page mark is not valid. Start the list again.").At("cursor")
	errTooMany = problem.New("TOO_MANY", 422,
		"Danh sách này dài quá mức. Hãy bỏ bớt: nhiều nhất 20 văn bản, 10 lĩnh vực.",
		"This list is too long. Leave some out: at most 20 documents and 10 fields.")
	errLawNumber = problem.New("LAW_NUMBER_REQUIRED", 422,
		"Hãy ghi số hiệu hoặc tên của văn bản được viện dẫn, ví dụ 24/2018/QH14.",
		"Write the number or the title of the document that is cited, such as 24/2018/QH14.")
	errDate = problem.New("DATE_INVALID", 422,
		"Đây không phải là một ngày. Hãy ghi theo dạng 2026-11-24.",
		"This is no day. Write it like 2026-11-24.")
	errLanguage = problem.New("LANGUAGE_UNKNOWN", 422,
		"Ngôn ngữ này chưa có trong danh sách. Hãy chọn ngôn ngữ khác, hoặc nhờ quản trị viên thêm vào.",
		"This language is not in the list. Choose another, or ask the administrator to add it.").At("language")
	errLanguageCode = problem.New("LANGUAGE_CODE", 422,
		"Mã ngôn ngữ gồm chữ thường không dấu, có thể có gạch nối, ví dụ vi, tyz, yue-x-san. Hãy sửa lại mã.",
		"A language's code is of small letters, parted by hyphens, such as vi, tyz, yue-x-san. Correct it.").At("code")
	errLanguageName = problem.New("LANGUAGE_NAME", 422,
		"Hãy ghi tên ngôn ngữ bằng tiếng Việt và tiếng Anh.",
		"Give the language's name in Vietnamese and in English.")
	errPending = problem.New("VERSION_PENDING", 409,
		"Một bản âm thanh mới của phóng sự này đang được xử lý. Hãy chờ xong rồi làm lại.",
		"A new audio of this report is being made. Wait until it is done, then do it again.")
	errNoVersion = problem.New("VERSION_NOT_FOUND", 404,
		"Phóng sự này không có bản âm thanh đó. Hãy chọn lại trong danh sách các bản.",
		"The report has no such audio. Choose one from the list of its versions.")
	errTrim = problem.New("TRIM_INVALID", 422,
		"Đoạn giữ lại phải nằm trong bản ghi, dài ít nhất nửa giây và ngắn hơn bản hiện có. Hãy đặt lại điểm đầu và điểm cuối.",
		"What is kept must lie within the recording, be half a second at least and shorter than what there is. Set both ends again.")
	errProgrammeAudio = problem.New("PROGRAMME_AUDIO", 409,
		"Âm thanh của chương trình được ghép từ các phần, không tải lên hay cắt được. Hãy sửa các phần rồi ghép lại; phóng sự đơn thì ngược lại.",
		"A programme's audio is made of its parts and is neither uploaded nor cut; a single report's is never made of parts. Change the parts, or the report.")
	errOrder = problem.New("PROGRAMME_ORDER", 422,
		"Chương trình cần ít nhất một phóng sự, nhiều nhất 50 phần, khoảng lặng giữa hai phần nhiều nhất 10 giây. Hãy sửa lại.",
		"A programme takes one report at least, 50 parts at most, and at most 10 s of silence between parts. Correct that.").At("items")
	errNested = problem.New("PROGRAMME_NESTED", 422,
		"Một chương trình không thể là phần của chương trình khác. Hãy chọn từng phóng sự.",
		"A programme cannot be a part of another. Choose its reports one by one.").At("items")
	errPartUnusable = problem.New("PART_UNUSABLE", 422,
		"Một phần chưa xử lý xong, bị lỗi hoặc đã thu hồi. Hãy chọn phóng sự khác.",
		"A part is still being processed, has failed or was withdrawn. Choose another report.").At("items")
	errStaleProgramme = problem.New("PROGRAMME_STALE", 409,
		"Một phần của chương trình đã bị thu hồi hoặc có bản âm thanh mới. Hãy ghép lại chương trình rồi nghe và duyệt.",
		"A part of this programme was withdrawn or has another audio now. Make the programme anew, then listen and approve.")
	errPartUnapproved = problem.New("PART_UNAPPROVED", 409,
		"Mọi phần của chương trình phải được duyệt trước. Hãy duyệt từng phần rồi duyệt chương trình.",
		"Every part of a programme must be approved before it. Approve the parts, then the programme.")
)
