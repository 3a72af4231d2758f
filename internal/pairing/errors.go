package pairing

import (
	"net/http"

	"github.com/loa-vn/loa/internal/problem"
)

// Why a pairing cannot go on. Each ends the attempt.
var (
	ErrCodeForm = problem.New("PAIRING_CODE_FORM", http.StatusBadRequest,
		"Mã ghép nối không đúng dạng. Hãy nhập lại 12 ký tự như trên màn hình của trung tâm.",
		"This is not a pairing code. Type the 12 characters again as the hub shows them.")
	ErrCodeWrong = problem.New("PAIRING_CODE_WRONG", http.StatusForbidden,
		"Mã ghép nối sai hoặc đã hết hạn. Hãy kiểm tra lại mã, hoặc xin mã mới ở trung tâm.",
		"The pairing code is wrong or over. Check it, or ask for a new one at the hub.")
	ErrOtherSide = problem.New("PAIRING_OTHER_SIDE", http.StatusForbidden,
		"Bên kia không biết mã ghép nối: có thể có người chen vào đường truyền. Hãy dừng lại, kiểm tra địa chỉ và xin mã mới.",
		"The other side does not know the code: somebody may be in the middle. Stop, check the address and ask for a new code.")
	ErrMessage = problem.New("PAIRING_MESSAGE", http.StatusBadRequest,
		"Bên kia gửi dữ liệu ghép nối không hợp lệ. Hãy thử lại với mã mới; nếu vẫn lỗi, hãy cập nhật phần mềm cả hai bên.",
		"The other side sent a pairing message that is not valid. Try again with a new code; if it stays, update both programs.")
	ErrProtocol = problem.New("PAIRING_PROTOCOL", http.StatusBadRequest,
		"Hai phần mềm không cùng phiên bản ghép nối. Hãy cập nhật phần mềm cũ hơn.",
		"The two programs pair by different versions of the protocol. Update the older one.")
	ErrTrust = problem.New("PAIRING_TRUST", http.StatusForbidden,
		"Tài liệu tin cậy của trung tâm không hợp lệ. Hãy báo cho quản trị viên của trung tâm.",
		"The hub's trust document is not valid. Tell the hub's administrator.")
	ErrProof = problem.New("PAIRING_PROOF", http.StatusForbidden,
		"Máy phát không chứng minh được khóa của mình. Hãy ghép nối lại với mã mới.",
		"The agent did not prove its key. Pair again with a new code.")
	ErrName = problem.New("PAIRING_NAME", http.StatusBadRequest,
		"Tên máy phát phải có từ 1 đến 100 ký tự, không có ký tự điều khiển. Hãy đổi tên rồi thử lại.",
		"The agent's name must have 1 to 100 characters and no control characters. Change it and try again.")
	ErrOrder = problem.New("PAIRING_ORDER", http.StatusConflict,
		"Các bước ghép nối không theo thứ tự, hoặc lần ghép nối này đã kết thúc. Hãy bắt đầu lại.",
		"The steps of the pairing came in another order, or this attempt is over. Start again.")
)
