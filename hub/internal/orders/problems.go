package orders

import (
	"errors"
	"time"

	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/problem"
)

// errUnchanged says that an edit has nothing to do.
var errUnchanged = errors.New("nothing to change")

// What orders refuses. The values are never changed; With and At give copies.
var (
	errNotFound = problem.New("BULLETIN_NOT_FOUND", 404,
		"Không có bản tin khẩn cấp này. Hãy chọn lại trong danh sách.",
		"There is no such urgent bulletin. Choose one from the list.")
	errInvalid = problem.New("BULLETIN_INVALID", 422,
		"Bản tin thiếu hoặc sai thông tin ở mục được nêu. Hãy sửa mục đó.",
		"The bulletin lacks something or has a value that cannot be, see the field named. Correct it.")
	errUntil = problem.New("UNTIL_INVALID", 422,
		"Thời hạn của bản tin phải sau lúc này và trong vòng 24 giờ tới. Hãy chọn lại.",
		"The end of the bulletin must be after now and within the next 24 hours. Choose another.").At("until")
	errStale = problem.New("STALE_VERSION", 412,
		"Bản tin vừa được người khác thay đổi. Hãy tải lại trang rồi xem lại.",
		"Somebody changed the bulletin meanwhile. Load it again and look at it.")
	errSelfApproval = problem.New("SELF_APPROVAL", 409,
		"Quy định ở nơi phát cần người thứ hai duyệt. Hãy nhờ một cán bộ khác duyệt bản tin của bạn.",
		"Approval by a second person is the rule where this is heard. Ask another officer to approve your bulletin.")
	errCancelled = problem.New("BULLETIN_CANCELLED", 409,
		"Bản tin đã bị hủy. Nếu vẫn cần, hãy lập bản tin mới.",
		"The bulletin was cancelled. If it is needed after all, make a new one.")
	errEnded = problem.New("BULLETIN_ENDED", 409,
		"Bản tin đã hết thời hạn. Nếu vẫn cần, hãy lập bản tin mới.",
		"The bulletin has reached its end. If it is needed after all, make a new one.")
	errReportUnknown = problem.New("REPORT_UNKNOWN", 422,
		"Có phóng sự không tồn tại. Hãy chọn lại trong thư viện.",
		"A report of this bulletin does not exist. Choose one from the library.")
	errReportUnusable = problem.New("REPORT_UNUSABLE", 422,
		"Có phóng sự bị lỗi hoặc đã thu hồi. Hãy chọn phóng sự khác.",
		"A report of this bulletin has failed or was withdrawn. Choose another.")
	errReportNotApproved = problem.New("REPORT_NOT_APPROVED", 409,
		"Có phóng sự chưa được duyệt. Hãy duyệt phóng sự trước.",
		"A report of this bulletin is not approved. Approve the report first.")
	errReportChanged = problem.New("REPORT_CHANGED", 409,
		"Âm thanh của phóng sự đã khác lúc lập bản tin. Hãy lập bản tin mới.",
		"A report's audio is another than when the bulletin was written. Make a new bulletin.")
	errReportExpired = problem.New("REPORT_EXPIRED", 422,
		"Có phóng sự không còn hiệu lực trong suốt thời hạn của bản tin. Hãy chọn phóng sự khác hoặc thời hạn sớm hơn.",
		"A report is not valid during all of the bulletin's time. Choose another report or an earlier end.")
	errCursor = problem.New("CURSOR_INVALID", 422,
		"Dấu trang không hợp lệ. Hãy mở lại danh sách từ đầu.",
		"This page mark is not valid. Start the list again.").At("cursor")
)

// unfit tells why a report cannot be heard from now to until, nil when it can.
func unfit(r broadcast.Report, now, until time.Time) *problem.Error {
	switch {
	case r.State == broadcast.ReportFailed || r.State == broadcast.ReportWithdrawn:
		return errReportUnusable
	case r.State != broadcast.ReportApproved || r.Audio == "" || r.Manifest == "":
		return errReportNotApproved
	case r.ValidFrom != nil && r.ValidFrom.After(now), r.ValidUntil != nil && r.ValidUntil.Before(until):
		return errReportExpired
	}
	return nil
}
