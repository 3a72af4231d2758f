package planner

import "github.com/loa-vn/loa/internal/problem"

// What the planner refuses. The values are never changed; With and At give copies.
var (
	errStale = problem.New("STALE_VERSION", 412,
		"Nội dung vừa được người khác sửa. Hãy tải lại trang rồi làm lại.",
		"Somebody changed this meanwhile. Load it again, then repeat your change.")
	errSelfApproval = problem.New("SELF_APPROVAL", 409,
		"Quy định ở nơi phát cần người thứ hai duyệt. Hãy nhờ một cán bộ khác duyệt lịch phát của bạn.",
		"Approval by a second person is the rule where this is heard. Ask another officer to approve your broadcast.")

	errAreaNotFound = problem.New("AREA_NOT_FOUND", 404,
		"Không có địa bàn này. Hãy chọn lại trong cây địa bàn.",
		"There is no such area. Choose one from the tree of areas.")
	errAreaExists = problem.New("AREA_EXISTS", 409,
		"Mã địa bàn này đã được dùng. Hãy chọn mã khác.",
		"This area code is taken. Choose another code.").At("code")
	errAreaCode = problem.New("AREA_CODE_INVALID", 422,
		"Mã địa bàn gồm 1 đến 64 chữ cái, chữ số, dấu chấm, gạch nối hoặc gạch dưới. Hãy sửa lại mã.",
		"An area code is 1 to 64 letters, digits, dots, hyphens or underscores. Correct the code.").At("code")
	errAreaName = problem.New("AREA_NAME_INVALID", 422,
		"Hãy ghi tên địa bàn trên một dòng, từ 1 đến 200 ký tự.",
		"Give the area a name of 1 to 200 characters, on one line.").At("name")
	errAreaParent = problem.New("AREA_PARENT_UNKNOWN", 422,
		"Không có địa bàn cấp trên này. Hãy chọn lại trong cây địa bàn.",
		"There is no such parent area. Choose one from the tree of areas.").At("parent")
	errAreaCycle = problem.New("AREA_CYCLE", 422,
		"Một địa bàn không thể nằm trong chính nó hay trong cấp dưới của nó. Hãy chọn cấp trên khác.",
		"An area cannot lie within itself or within one below it. Choose another parent.").At("parent")
	errAreaInUse = problem.New("AREA_IN_USE", 409,
		"Địa bàn còn cấp dưới, cụm loa hoặc lịch phát. Hãy chuyển chúng đi trước.",
		"The area still has areas below it, agents or broadcasts. Move them first.")
	errBroadcastNotFound = problem.New("BROADCAST_NOT_FOUND", 404,
		"Không có lịch phát này. Hãy chọn lại trong danh sách.",
		"There is no such broadcast. Choose one from the list.")
	errBroadcastInvalid = problem.New("BROADCAST_INVALID", 422,
		"Lịch phát thiếu hoặc sai thông tin ở mục được nêu. Hãy sửa mục đó.",
		"The broadcast lacks something or has a value that cannot be, see the field named. Correct it.")
	errCancelled = problem.New("BROADCAST_CANCELLED", 409,
		"Lịch phát đã bị hủy. Nếu vẫn cần, hãy lập lịch phát mới.",
		"The broadcast was cancelled. If it is needed after all, make a new one.")
	errTimeInPast = problem.New("TIME_IN_PAST", 422,
		"Giờ phát đã qua. Hãy chọn giờ sau lúc này.",
		"The time of the broadcast is past. Choose one from now on.").At("when")
	errDateInvalid = problem.New("DATE_INVALID", 422,
		"Ngày giờ này không có trong lịch. Hãy ghi như 2026-11-24 hoặc 2026-11-24T05:30:00.",
		"This date or time does not exist. Write it like 2026-11-24 or 2026-11-24T05:30:00.").At("when")
	errDaypartUnknown = problem.New("DAYPART_UNKNOWN", 422,
		"Không nơi phát nào có buổi phát mang tên này trong thời gian tới. Hãy chọn buổi khác hoặc thêm buổi cho địa bàn.",
		"No area this is for has a daypart of this name in the time to come. Choose another, or add it to the area.").At("when.daypart")
	errTargetUnknown = problem.New("TARGET_UNKNOWN", 422,
		"Có nơi phát không tồn tại. Hãy chọn lại địa bàn hoặc cụm loa.",
		"An area or agent this is for does not exist. Choose it again.").At("targets")
	errNoSuchDay = problem.New("NO_SUCH_DAY", 422,
		"Lịch phát này không lặp lại vào ngày đó. Hãy chọn một ngày trong các lần phát của nó.",
		"This broadcast does not repeat on that day. Choose one of its days.").At("date")
	errNotDraft = problem.New("BROADCAST_NOT_DRAFT", 409,
		"Chỉ trả lại được lịch phát đang chờ duyệt. Hãy tải lại trang; lịch đã duyệt thì sửa hoặc hủy.",
		"Only a broadcast that waits for approval can be sent back. Load the page again; edit or cancel one that is approved.")
	errWords = problem.New("WORDS_MISSING", 422,
		"Hãy viết cho tác giả biết cần sửa gì, từ 1 đến 1.000 ký tự.",
		"Tell the author what to correct, in 1 to 1,000 characters.").At("words")
	errTagUnknown = problem.New("TAG_UNKNOWN", 422,
		"Không địa bàn hay cụm loa nào mang nhãn này. Hãy chọn nhãn trong danh sách.",
		"No area and no agent bears this tag. Choose one from the list.").At("targets.tags")
	errTagInvalid = problem.New("TAG_INVALID", 422,
		"Nhãn gồm 1 đến 40 ký tự trên một dòng, mỗi nơi tối đa 20 nhãn. Hãy sửa lại nhãn.",
		"A tag is 1 to 40 characters on one line, at most 20 in one place. Correct the tags.").At("tags")
	errHolidayInvalid = problem.New("HOLIDAY_INVALID", 422,
		"Ngày nghỉ cần ngày có trong lịch và tên từ 1 đến 100 ký tự, tối đa 400 ngày. Hãy sửa lại ngày nghỉ.",
		"A holiday needs a day that exists and a name of 1 to 100 characters, at most 400 of them. Correct the holidays.").At("holidays")
	errReportUnknown = problem.New("REPORT_UNKNOWN", 422,
		"Có phóng sự không tồn tại. Hãy chọn lại trong thư viện.",
		"A report of this broadcast does not exist. Choose one from the library.").At("items")
	errReportUnusable = problem.New("REPORT_UNUSABLE", 422,
		"Có phóng sự bị lỗi hoặc đã thu hồi. Hãy chọn phóng sự khác.",
		"A report of this broadcast has failed or was withdrawn. Choose another.").At("items")
	errReportNotApproved = problem.New("REPORT_NOT_APPROVED", 409,
		"Có phóng sự chưa được duyệt. Hãy duyệt phóng sự trước, rồi duyệt lịch phát.",
		"A report of this broadcast is not approved. Approve the report first, then the broadcast.").At("items")
	errReportExpired = problem.New("REPORT_EXPIRED", 422,
		"Có phóng sự hết hiệu lực trước lần phát đầu tiên. Hãy chọn phóng sự khác hoặc sửa hiệu lực của nó.",
		"A report of this broadcast is no longer valid at its first time. Choose another report or correct its validity.").At("items")
	errQuietHours = problem.New("QUIET_HOURS", 422,
		"Giờ phát nằm ngoài khung giờ cho phép ở mọi nơi phát. Hãy chọn giờ trong khung cho phép.",
		"The time lies outside the allowed hours of every area this is for. Choose one inside them.").At("when.at")
	errBulletinsFull = problem.New("BULLETINS_FULL", 409,
		"Nơi nhận đang có quá nhiều bản tin khẩn cấp còn hiệu lực. Hãy hủy bớt một bản tin, hoặc bớt mục trong bản tin này.",
		"Where this is for, too many urgent bulletins are in force already. Cancel one of them, or put fewer items into this one.")
	errCalendarSpan = problem.New("CALENDAR_SPAN", 422,
		"Lịch chỉ xem được từ 1 đến 42 ngày. Hãy chọn khoảng ngắn hơn.",
		"A calendar spans 1 to 42 days. Choose a shorter span.").At("to")
	errCursor = problem.New("CURSOR_INVALID", 422,
		"Dấu trang không hợp lệ. Hãy mở lại danh sách từ đầu.",
		"This page mark is not valid. Start the list again.").At("cursor")
)

// unsupported says which part of a recurrence rule Loa does not take, and what to do instead.
func unsupported(vi, en string) *problem.Error {
	return problem.New("RRULE_UNSUPPORTED", 422, "Quy tắc lặp không dùng được: "+vi, "The recurrence rule cannot be used: "+en).At("when.rrule")
}

// badDate names the text that is no date.
func badDate(field, text string) *problem.Error {
	text = short(text, 60)
	return problem.New(errDateInvalid.Code, errDateInvalid.Status,
		"“"+text+"”: "+errDateInvalid.VI, "“"+text+"”: "+errDateInvalid.EN).At(field)
}
