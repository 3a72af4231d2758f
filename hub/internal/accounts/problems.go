package accounts

import "github.com/loa-vn/loa/internal/problem"

// What accounts refuse. The values are never changed; With and At give copies.
var (
	errName = problem.New("NAME_INVALID", 422, "Tên đăng nhập chỉ gồm chữ, số và . _ - @, dài tối đa 64 ký tự. Hãy chọn tên khác.",
		"A name has letters, digits and . _ - @ only, at most 64 of them. Choose another name.").At("name")
	errNameTaken = problem.New("NAME_TAKEN", 409, "Tên này đã có người dùng. Hãy chọn tên khác.", "This name is taken. Choose another one.").At("name")
	errRole      = problem.New("ROLE_UNKNOWN", 422, "Vai trò phải là admin, officer, operator hoặc viewer.",
		"The role must be admin, officer, operator or viewer.").At("role")
	errPassword = problem.New("PASSWORD_SHORT", 422, "Mật khẩu phải dài từ 8 đến 256 ký tự. Hãy chọn một câu dễ nhớ.",
		"A password has 8 to 256 characters. Choose a sentence that you remember.").At("password")
	errPasswordWrong = problem.New("PASSWORD_WRONG", 403, "Mật khẩu hiện tại không đúng. Hãy nhập lại.",
		"The present password is wrong. Type it again.").At("password")
	errBusy = problem.New("LOGIN_BUSY", 503, "Quá nhiều người đăng nhập cùng lúc. Hãy thử lại sau vài giây.",
		"Too many sign-ins at once. Try again in a few seconds.")
	errWait = problem.New("LOGIN_WAIT", 429, "Đã sai quá nhiều lần. Hãy chờ hết thời gian ghi ở Retry-After rồi thử lại.",
		"Too many wrong attempts. Wait as long as Retry-After says, then try again.")
	errOTPRequired = problem.New("OTP_REQUIRED", 401, "Tài khoản này cần mã dùng một lần. Hãy nhập mã trên điện thoại hoặc một mã dự phòng.",
		"This account asks for a one-time code. Type the one your phone shows, or a recovery code.").At("otp")
	errOTPWrong = problem.New("OTP_WRONG", 401, "Mã dùng một lần không đúng hoặc đã dùng. Hãy chờ mã mới rồi nhập lại.",
		"The one-time code is wrong or was used already. Wait for the next one and type that.").At("otp")
	errOTPOn = problem.New("OTP_ON", 409, "Tài khoản đã có mã dùng một lần. Hãy gỡ bỏ trước khi đăng ký lại.",
		"This account has one-time codes already. Remove them before you enrol again.")
	errOTPOff = problem.New("OTP_OFF", 409, "Tài khoản chưa có mã dùng một lần. Hãy đăng ký trước.",
		"This account has no one-time codes. Enrol first.")
	errInvitation = problem.New("SETUP_CODE", 403, "Liên kết thiết lập không đúng, đã dùng hoặc hết hạn. Hãy xin liên kết mới.",
		"This set-up link is wrong, used or over. Ask for a new one.").At("code")
	errPersonNotFound = problem.New("PERSON_NOT_FOUND", 404, "Không có người dùng này. Hãy chọn lại trong danh sách.",
		"There is no such person. Choose one from the list.")
	errLastAdmin = problem.New("LAST_ADMIN", 409, "Đây là quản trị viên cuối cùng của toàn hệ thống. Hãy giao quyền cho một người khác trước.",
		"This is the last admin of the whole tree. Make another one first.")
	errTokenNotFound = problem.New("TOKEN_NOT_FOUND", 404, "Không có mã truy cập này. Hãy xem lại danh sách.",
		"There is no such token. Look at the list.")
	errTokenScope = problem.New("TOKEN_SCOPE", 403, "Mã truy cập không thể có nhiều quyền hơn hoặc lâu hơn người hay mã đã tạo ra nó. Hãy bớt quyền hoặc thời hạn.",
		"A token cannot have more rights, or live longer, than who makes it. Ask for less.").At("scope")
	errHeadForeign = problem.New("AUDIT_HEAD_FOREIGN", 422, "Tệp đầu nhật ký không do khóa audit-key của máy chủ này ký. Hãy kiểm tra tệp và khóa.",
		"This head was not signed by this hub's audit-key. Check the file and the key.")
	errChain = problem.New("AUDIT_BROKEN", 409, "Nhật ký đã bị sửa: xem các dòng nêu trên. Hãy giữ nguyên cơ sở dữ liệu, so với bản sao lưu và báo cho người phụ trách an toàn.",
		"The audit log was tampered with: see the lines named. Keep the database as it is, compare it with a backup and tell who answers for security.")
)

// ErrNotSignedIn is the refusal of a request without a valid session or token.
func ErrNotSignedIn() *problem.Error {
	return problem.New("NOT_SIGNED_IN", 401, "Bạn chưa đăng nhập hoặc phiên đã hết hạn. Hãy đăng nhập lại.",
		"You are not signed in, or your session has ended. Sign in again.")
}

// ErrLogin is the refusal of a wrong name or password.
func ErrLogin() *problem.Error {
	return problem.New("LOGIN_FAILED", 401, "Tên hoặc mật khẩu không đúng. Hãy thử lại.", "The name or the password is wrong. Try again.")
}
