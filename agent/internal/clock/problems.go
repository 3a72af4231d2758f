package clock

import "github.com/loa-vn/loa/internal/problem"

var (
	errSynced = problem.New("CLOCK_SYNCED", 409,
		"Đồng hồ đang theo giờ của máy chủ, không cần chỉnh tay. Nếu giờ sai, hãy báo quản trị máy chủ.",
		"The clock goes by the hub's time and needs no setting. If that time is wrong, tell the hub's administrator.")
	errImplausible = problem.New("CLOCK_IMPLAUSIBLE", 422,
		"Giờ này trước kế hoạch phát mới nhất, hoặc quá 60 ngày sau lần biết giờ cuối cùng. Hãy xem lại ngày, tháng, năm.",
		"This time is before the newest plan, or more than 60 days after the time last known. Check day, month and year.")
)
