package fleet

import (
	"net/http"

	"github.com/loa-vn/loa/internal/problem"
)

// What fleet refuses. Codes are stable.

func errAgentUnknown() *problem.Error {
	return problem.New("AGENT_UNKNOWN", http.StatusNotFound,
		"Không có cụm loa này. Hãy kiểm tra lại, hoặc ghép nối cụm loa.",
		"There is no such loudspeaker cluster. Check the id, or pair the agent.")
}

func errAgentBlocked() *problem.Error {
	return problem.New("AGENT_BLOCKED", http.StatusForbidden,
		"Cụm loa này đang bị quản trị viên chặn. Hãy liên hệ quản trị viên của hub để bỏ chặn.",
		"This loudspeaker cluster is blocked by an admin. Ask the hub's admin to unblock it.")
}

func errAgentRevoked() *problem.Error {
	return problem.New("AGENT_REVOKED", http.StatusForbidden,
		"Khoá của cụm loa này đã bị thu hồi. Hãy ghép nối lại bằng loa-agent pair.",
		"This loudspeaker cluster's key has been revoked. Pair it again with loa-agent pair.")
}

func errNameTaken() *problem.Error {
	return problem.New("AGENT_NAME_TAKEN", http.StatusConflict,
		"Địa bàn này đã có cụm loa cùng tên. Hãy chọn tên khác.",
		"The area already has a loudspeaker cluster of that name. Choose another name.").At("name")
}

func errName() *problem.Error {
	return problem.New("AGENT_NAME", http.StatusUnprocessableEntity,
		"Tên cụm loa phải có từ 1 đến 100 ký tự, không có ký tự điều khiển. Hãy sửa lại tên.",
		"A cluster's name has 1 to 100 characters and no control characters. Correct the name.").At("name")
}

func errArea() *problem.Error {
	return problem.New("AGENT_AREA", http.StatusUnprocessableEntity,
		"Hãy cho biết mã địa bàn của cụm loa.", "Give the code of the cluster's area.").At("area")
}

func errPairingUnknown() *problem.Error {
	return problem.New("PAIRING_UNKNOWN", http.StatusNotFound,
		"Không có lần ghép nối này. Hãy tạo mã ghép nối mới.", "There is no such pairing. Make a new pairing code.")
}

func errPairingState() *problem.Error {
	return problem.New("PAIRING_STATE", http.StatusConflict,
		"Lần ghép nối này không chờ xác nhận. Hãy xem lại trạng thái, hoặc tạo mã mới.",
		"This pairing is not waiting for a confirmation. Look at its state, or make a new code.")
}

func errWordsDiffer() *problem.Error {
	return problem.New("PAIRING_WORDS_DIFFER", http.StatusConflict,
		"Sáu từ không khớp: có thể có người chen giữa. Lần ghép nối đã bị huỷ. Hãy tạo mã mới và đọc lại sáu từ trên máy của cụm loa.",
		"The six words differ: someone may be in between. The pairing is ended. Make a new code and read the words at the cluster's PC again.").At("words")
}

func errPairingDead() *problem.Error {
	return problem.New("PAIRING_DEAD", http.StatusGone,
		"Mã ghép nối sai, đã hết hạn hoặc đã dùng. Hãy xin mã mới từ quản trị viên của hub.",
		"The pairing code is wrong, used or expired. Ask the hub's admin for a new one.")
}

func errPairingLimit() *problem.Error {
	return problem.New("PAIRING_LIMIT", http.StatusTooManyRequests,
		"Quá nhiều lần ghép nối. Hãy đợi một phút rồi thử lại.", "Too many pairings. Wait a minute and try again.")
}

func errPairingBroken() *problem.Error {
	return problem.New("PAIRING_BROKEN", http.StatusBadGateway,
		"Đường nối của cụm loa bị đứt trong khi ghép nối. Hãy tạo mã mới và thử lại.",
		"The agent's connection broke during the pairing. Make a new code and try again.")
}
