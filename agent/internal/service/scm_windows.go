package service

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/windows"
	"golang.org/x/sys/windows/svc"
	"golang.org/x/sys/windows/svc/eventlog"
	"golang.org/x/sys/windows/svc/mgr"

	"github.com/loa-vn/loa/internal/problem"
)

// Host is this machine's service manager and where it keeps what makes a service.
type Host struct {
	Program  string // this program's file
	Unit     []byte // systemd's, not for here
	Users    []byte // likewise
	Settings []byte // as shipped
	Say      func(format string, args ...any)

	program, settings, data string
}

// Open gives the service manager of this machine.
func Open(h Host) *Host {
	h.program = filepath.Join(folder(windows.FOLDERID_ProgramFiles, `C:\Program Files`), "Loa", "loa-agent.exe")
	kept := filepath.Join(folder(windows.FOLDERID_ProgramData, `C:\ProgramData`), "Loa")
	h.settings, h.data = filepath.Join(kept, "agent.yaml"), filepath.Join(kept, "agent")
	return &h
}

func folder(id *windows.KNOWNFOLDERID, otherwise string) string {
	if path, err := windows.KnownFolderPath(id, 0); err == nil {
		return path
	}
	return otherwise
}

var errForeign = problem.New("SERVICE_FOLDER_FOREIGN", 409,
	"Thư mục dữ liệu đã có sẵn và thuộc về người khác. Kiểm tra rồi xóa thư mục đó, sau đó cài lại.",
	"The data folder is there already and belongs to somebody else. Look at it, delete it and install again.")

const (
	account   = `NT SERVICE\` + Name // its own, without a password, which is nobody else's
	endWithin = 45 * time.Second     // it fades out, writes its journal and switches the amplifier off
	removed   = 20 * time.Second     // the manager forgets a service when its process is gone
)

// Install makes the service, or brings it up to this program, and starts it. Settings that are there stay.
func (h *Host) Install(ctx context.Context) error {
	m, err := connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	if s, err := m.OpenService(Name); err == nil { // its program can be replaced once it has ended
		if err := errors.Join(end(ctx, s), s.Close()); err != nil {
			return err
		}
	}
	if err := h.lay(); err != nil {
		return err
	}
	s, err := h.register(m)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Start(); err != nil {
		return errManager.With(fmt.Errorf("start service: %w", err))
	}
	h.Say("Đã cài và khởi động dịch vụ. / The service is installed and started.\n  %s\n  %s\n  %s\n", h.program, h.settings, h.data)
	return nil
}

// lay puts program, folder and settings in their places.
func (h *Host) lay() error {
	program, err := os.ReadFile(h.Program)
	if err != nil {
		return fmt.Errorf("read this program: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(h.program), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if !strings.EqualFold(h.Program, h.program) {
		if err := os.WriteFile(h.program+".new", program, 0o600); err != nil {
			return fmt.Errorf("write program: %w", err)
		}
		if err := os.Rename(h.program+".new", h.program); err != nil {
			return fmt.Errorf("write program: %w", err)
		}
	}
	kept := filepath.Dir(h.settings)
	if err := makePrivate(kept); err != nil {
		return err
	}
	if err := os.MkdirAll(h.data, 0o700); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	if _, err := os.Stat(h.settings); !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	text := strings.Replace(string(h.Settings), "#data: ./var/agent", "data: '"+h.data+"'", 1)
	if err := os.WriteFile(h.settings, []byte(strings.ReplaceAll(text, "\n", "\r\n")), 0o600); err != nil {
		return fmt.Errorf("write settings: %w", err)
	}
	return nil
}

// makePrivate makes a folder that nobody but the service and the administrators can read. Anybody may make folders where
// it lies: one that somebody else made beforehand could hold settings of theirs.
func makePrivate(dir string) error {
	rights, err := windows.SecurityDescriptorFromString(folderRights())
	if err != nil {
		return fmt.Errorf("read rights: %w", err)
	}
	attributes := windows.SecurityAttributes{SecurityDescriptor: rights}
	attributes.Length = uint32(unsafe.Sizeof(attributes))
	path, err := windows.UTF16PtrFromString(dir)
	if err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	switch err := windows.CreateDirectory(path, &attributes); {
	case err == nil:
		return nil
	case !errors.Is(err, windows.ERROR_ALREADY_EXISTS):
		return fmt.Errorf("make folder: %w", err)
	}
	have, err := windows.GetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.OWNER_SECURITY_INFORMATION)
	if err != nil {
		return fmt.Errorf("ask owner of %s: %w", dir, err)
	}
	owner, _, err := have.Owner()
	if err != nil {
		return fmt.Errorf("ask owner of %s: %w", dir, err)
	}
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return fmt.Errorf("ask who this is: %w", err)
	}
	if !owner.IsWellKnown(windows.WinBuiltinAdministratorsSid) && !owner.IsWellKnown(windows.WinLocalSystemSid) && !owner.Equals(user.User.Sid) {
		return errForeign.With(fmt.Errorf("%s belongs to %s", dir, owner))
	}
	dacl, _, err := rights.DACL()
	if err == nil {
		err = windows.SetNamedSecurityInfo(dir, windows.SE_FILE_OBJECT, windows.DACL_SECURITY_INFORMATION|windows.PROTECTED_DACL_SECURITY_INFORMATION, nil, nil, dacl, nil)
	}
	if err != nil {
		return fmt.Errorf("set rights of %s: %w", dir, err)
	}
	return nil
}

// register tells the manager of the service: it starts with the machine, under its own account, and again after a failure.
func (h *Host) register(m *mgr.Mgr) (*mgr.Service, error) {
	args := []string{"run", "--" + Flag, "--config", h.settings}
	c := mgr.Config{StartType: mgr.StartAutomatic, ErrorControl: mgr.ErrorNormal, ServiceStartName: account, DisplayName: "Loa agent", Description: "Plays radio reports on this PC's amplifier, on time, network or not."}
	s, err := m.OpenService(Name)
	if err != nil {
		if s, err = m.CreateService(Name, h.program, c, args...); err != nil {
			return nil, errManager.With(fmt.Errorf("create service: %w", err))
		}
		if err := eventlog.InstallAsEventCreate(Name, eventlog.Error|eventlog.Warning|eventlog.Info); err != nil && !strings.Contains(err.Error(), "exists") {
			h.Say("!! %v\n", err) // what it says before its log file is open is lost then
		}
	} else if err := changeProgram(s, append([]string{h.program}, args...)); err != nil {
		return nil, errManager.With(fmt.Errorf("change service: %w", errors.Join(err, s.Close())))
	}
	again := []mgr.RecoveryAction{{Type: mgr.ServiceRestart, Delay: 2 * time.Second}, {Type: mgr.ServiceRestart, Delay: 2 * time.Second},
		{Type: mgr.ServiceRestart, Delay: 10 * time.Second}} // the last holds for all that follow
	switch err := errors.Join(s.SetRecoveryActions(again, 24*3600), s.SetRecoveryActionsOnNonCrashFailures(true)); {
	case errors.Is(err, windows.ERROR_INVALID_LEVEL): // wine's manager starts nothing again
		h.Say("!! Máy này không tự khởi động lại dịch vụ khi lỗi. / This machine does not start a service again that failed.\n")
	case err != nil:
		return nil, errManager.With(fmt.Errorf("set restart after failure: %w", errors.Join(err, s.Close())))
	}
	return s, nil
}

// changeProgram sets what may be another after an older version, no more: mgr's UpdateConfig wants what wine does not know.
func changeProgram(s *mgr.Service, argv []string) error {
	line, err := windows.UTF16PtrFromString(windows.ComposeCommandLine(argv))
	if err != nil {
		return err
	}
	return windows.ChangeServiceConfig(s.Handle, windows.SERVICE_NO_CHANGE, mgr.StartAutomatic, windows.SERVICE_NO_CHANGE, line, nil, nil, nil, nil, nil, nil)
}

// Uninstall ends and removes the service, and with purge its data and settings too.
func (h *Host) Uninstall(ctx context.Context, purge bool) error {
	m, err := connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(Name)
	switch {
	case err == nil:
		if err := errors.Join(end(ctx, s), s.Delete(), s.Close()); err != nil {
			return errManager.With(err)
		}
		_ = eventlog.Remove(Name) // it may never have been there
	case !purge:
		return errNotInstalled.With(err)
	}
	if err := h.removeProgram(); err != nil {
		return err
	}
	if !purge {
		h.Say("Đã gỡ dịch vụ. Còn lại trên máy: / The service is removed. What stays:\n  %s\n  %s\n"+
			"Xóa cả các mục đó: / To remove these too: loa-agent service uninstall --purge\n", h.settings, h.data)
		return nil
	}
	if err := removeAll(filepath.Dir(h.settings)); err != nil {
		return fmt.Errorf("remove data: %w", err)
	}
	h.Say("Đã gỡ dịch vụ cùng toàn bộ dữ liệu. / The service and all of its data are removed.\n")
	return nil
}

// removeAll is os.RemoveAll by calls that wine knows as well.
func removeAll(dir string) error {
	var found []string
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		found = append(found, path)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, path := range slices.Backward(found) {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// removeProgram removes it at once, or, when it is the one that runs this command, with the machine's next start.
func (h *Host) removeProgram() error {
	err := os.Remove(h.program)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err != nil {
		path, wrong := windows.UTF16PtrFromString(h.program)
		if wrong == nil {
			wrong = windows.MoveFileEx(path, nil, windows.MOVEFILE_DELAY_UNTIL_REBOOT)
		}
		if wrong != nil {
			return fmt.Errorf("remove program: %w", errors.Join(err, wrong))
		}
		h.Say("Sẽ xóa khi máy khởi động lại: / Goes with the next start of the machine: %s\n", h.program)
		return nil
	}
	_ = os.Remove(filepath.Dir(h.program)) // when it is empty
	return nil
}

// Start starts the service.
func (h *Host) Start(context.Context) error {
	return h.with(func(s *mgr.Service) error { return s.Start() })
}

// Stop ends it until it is started, or the machine is.
func (h *Host) Stop(ctx context.Context) error {
	return h.with(func(s *mgr.Service) error { return end(ctx, s) })
}

func (h *Host) with(do func(*mgr.Service) error) error {
	m, err := connect()
	if err != nil {
		return err
	}
	defer func() { _ = m.Disconnect() }()
	s, err := m.OpenService(Name)
	if err != nil {
		return errNotInstalled.With(err)
	}
	if err := errors.Join(do(s), s.Close()); err != nil {
		return errManager.With(err)
	}
	return nil
}

// Status asks the manager, for which anybody has the right.
func (h *Host) Status(context.Context) (State, error) {
	scm, err := windows.OpenSCManager(nil, nil, windows.SC_MANAGER_CONNECT)
	if err != nil {
		return State{}, errManager.With(err)
	}
	defer func() { _ = windows.CloseServiceHandle(scm) }()
	name, err := windows.UTF16PtrFromString(Name)
	if err != nil {
		return State{}, errManager.With(err)
	}
	handle, err := windows.OpenService(scm, name, windows.SERVICE_QUERY_STATUS|windows.SERVICE_QUERY_CONFIG)
	if errors.Is(err, windows.ERROR_SERVICE_DOES_NOT_EXIST) {
		return State{}, nil
	}
	if err != nil {
		return State{}, errManager.With(err)
	}
	s := &mgr.Service{Name: Name, Handle: handle}
	defer func() { _ = s.Close() }()
	status, err := s.Query()
	if err != nil {
		return State{}, errManager.With(err)
	}
	starts, err := startsItself(handle)
	if err != nil {
		return State{}, errManager.With(err)
	}
	words := map[svc.State]string{svc.Stopped: "stopped", svc.StartPending: "starting", svc.StopPending: "stopping", svc.Running: "running", svc.Paused: "paused"}
	return State{Installed: true, Starts: starts, Running: status.State == svc.Running, Detail: words[status.State]}, nil
}

// startsItself asks for no more than is needed: mgr's Config wants what wine does not know.
func startsItself(service windows.Handle) (bool, error) {
	var size uint32
	err := windows.QueryServiceConfig(service, nil, 0, &size)
	if !errors.Is(err, windows.ERROR_INSUFFICIENT_BUFFER) {
		return false, fmt.Errorf("ask service: %w", err)
	}
	buf := make([]byte, size)
	c := (*windows.QUERY_SERVICE_CONFIG)(unsafe.Pointer(&buf[0]))
	if err := windows.QueryServiceConfig(service, c, size, &size); err != nil {
		return false, fmt.Errorf("ask service: %w", err)
	}
	return c.StartType == windows.SERVICE_AUTO_START, nil
}

func connect() (*mgr.Mgr, error) {
	m, err := mgr.Connect()
	if errors.Is(err, windows.ERROR_ACCESS_DENIED) {
		return nil, errNotAdmin.With(err)
	}
	if err != nil {
		return nil, errManager.With(err)
	}
	return m, nil
}

// end stops a service and waits until it has.
func end(ctx context.Context, s *mgr.Service) error {
	ctx, cancel := context.WithTimeout(ctx, endWithin+removed)
	defer cancel()
	if _, err := s.Control(svc.Stop); err != nil && !errors.Is(err, windows.ERROR_SERVICE_NOT_ACTIVE) {
		return fmt.Errorf("stop service: %w", err)
	}
	look := time.NewTicker(100 * time.Millisecond)
	defer look.Stop()
	for {
		status, err := s.Query()
		if err != nil {
			return fmt.Errorf("ask service: %w", err)
		}
		if status.State == svc.Stopped {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the service does not stop: %w", ctx.Err())
		case <-look.C:
		}
	}
}
