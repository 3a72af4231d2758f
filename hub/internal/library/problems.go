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
)
