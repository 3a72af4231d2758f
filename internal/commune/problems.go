package commune

import (
	"fmt"
	"net/http"

	"github.com/loa-vn/loa/internal/problem"
)

// Refusals that the pages give before a desk is asked, too.
var (
	ErrReason = problem.New("REASON_MISSING", http.StatusUnprocessableEntity,
		"Hãy ghi lý do (không quá 500 chữ) để trung tâm biết vì sao chương trình thay đổi.",
		"Give a reason (at most 500 letters), so that the hub knows why the programme was changed.").At("reason")
	ErrMute = problem.New("MUTE_INVALID", http.StatusUnprocessableEntity,
		"Thời gian tắt tiếng phải từ 1 đến 1440 phút. Hãy chọn lại.",
		"A mute lasts from 1 to 1440 minutes. Choose again.").At("minutes")
	ErrVolume = problem.New("VOLUME_INVALID", http.StatusUnprocessableEntity,
		"Âm lượng phải từ 10 đến 100 phần trăm. Muốn im lặng thì dùng Tắt tiếng.",
		"A volume is from 10 to 100 percent. To be silent, use Mute.").At("percent")
)

var (
	errSlot = problem.New("SLOT_UNKNOWN", http.StatusUnprocessableEntity,
		"Không có mục này, hoặc đã phát. Hãy chọn lại trong danh sách.",
		"There is no such item, or it was played already. Choose again from the list.").At("slot")
	errNotCommunes = problem.New("SLOT_NOT_COMMUNES", http.StatusConflict,
		"Xã không được bỏ qua hay dời mục này: đây là mục ưu tiên của trung tâm, hoặc quy định không cho. Cần thì bấm Dừng, rồi gọi trung tâm.",
		"The commune may neither skip nor move this item: it is a priority item of the hub, or the policy does not let it. If you must, press Stop and call the hub.").At("slot")
	errCeiling = problem.New("VOLUME_CEILING", http.StatusUnprocessableEntity,
		"Âm lượng này cao hơn mức quy định cho phép vào giờ này. Hãy chọn mức thấp hơn.",
		"The policy does not let it be so loud at this time. Choose less.").At("percent")
	errMoveTime = problem.New("MOVE_TIME", http.StatusUnprocessableEntity,
		"Giờ dời đến phải là giờ còn lại của ngày hôm đó, viết như 17:30. Hãy chọn lại.",
		"An item is moved to a time of its day that is still to come, written like 17:30. Choose again.").At("to")
	errMoveCosts = problem.New("MOVE_COSTS", http.StatusConflict,
		"Dời đến giờ đó sẽ làm mục khác mất chỗ. Hãy chọn giờ khác, hoặc bỏ qua mục kia trước.",
		"Moved there, it would take another item's place. Choose another time, or skip the other item first.").At("to")
	errOrderLate = problem.New("ORDER_DAYPART", http.StatusConflict,
		"Buổi phát này không đổi thứ tự được nữa: chỉ đổi được đến 30 phút trước giờ bắt đầu. Có thể dời hoặc bỏ qua từng mục.",
		"This daypart cannot be reordered any more: until 30 minutes before it begins. Single items can be moved or skipped.").At("daypart")
	errOrder = problem.New("ORDER_INVALID", http.StatusUnprocessableEntity,
		"Danh sách đã thay đổi. Hãy tải lại trang rồi xếp lại.",
		"The list is another by now. Load the page again and order it anew.").At("order")
	errOrderSame = problem.New("ORDER_NO_EFFECT", http.StatusConflict,
		"Thứ tự này không làm gì thay đổi: mục ưu tiên luôn phát trước, và quy định có thể không cho xã đổi chỗ mục thông thường của trung tâm.",
		"This order changes nothing: priority items always come first, and the policy may not let the commune move the hub's normal items. Choose another order.").At("order")
)

// noPlace says why an item cannot be moved to a time.
func noPlace(reason string) error {
	vi, en := Vietnamese(), English()
	return problem.New("MOVE_NO_PLACE", http.StatusConflict,
		fmt.Sprintf("Không dời đến giờ đó được: %s. Hãy chọn giờ khác.", vi[reason]),
		fmt.Sprintf("It cannot be moved there: %s. Choose another time.", en[reason])).At("to")
}
