package service

import "github.com/loa-vn/loa/internal/problem"

// Name is the service's, wherever it is installed.
const Name = "loa-agent"

// Flag is what the service manager of Windows gives the command run: a program of its own it must be told to be.
const Flag = "service"

// State is how the service is.
type State struct {
	Installed bool
	Starts    bool // by itself, with the machine
	Running   bool
	Detail    string // the manager's own word
}

// Problem is nil when the service runs, else what a person can do.
func (s State) Problem() error {
	switch {
	case !s.Installed:
		return errNotInstalled
	case !s.Running:
		return errNotRunning
	}
	return nil
}

// Refusals of a person's wish, each with the next step.
var (
	errNotAdmin = problem.New("SERVICE_NEEDS_ADMIN", 403,
		"Cần quyền quản trị. Trên Linux chạy lại bằng sudo, trên Windows mở cửa sổ lệnh bằng Run as administrator.",
		"This needs the administrator's rights. On Linux run it again with sudo, on Windows from a window opened by Run as administrator.")
	errNotInstalled = problem.New("SERVICE_NOT_INSTALLED", 404,
		"Máy này chưa cài dịch vụ loa-agent. Chạy loa-agent service install.",
		"The service loa-agent is not installed on this machine. Run loa-agent service install.")
	errNotRunning = problem.New("SERVICE_NOT_RUNNING", 503,
		"Dịch vụ loa-agent không chạy nên loa không phát. Chạy loa-agent service start, rồi xem nhật ký nếu nó lại dừng.",
		"The service loa-agent does not run, so nothing plays. Run loa-agent service start, and look into its log if it stops again.")
	errManager = problem.New("SERVICE_FAILED", 500,
		"Trình quản lý dịch vụ của máy không làm được việc đó. Xem lỗi bên dưới, sửa rồi chạy lại.",
		"The machine's service manager could not do it. See the error below, put it right and run it again.")
)
