package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"time"

	"github.com/loa-vn/loa/agent/internal/amplifier"
	"github.com/loa-vn/loa/agent/internal/cache"
	"github.com/loa-vn/loa/agent/internal/console"
	"github.com/loa-vn/loa/agent/internal/player"
	"github.com/loa-vn/loa/internal/broadcast"
	"github.com/loa-vn/loa/internal/config"
	"github.com/loa-vn/loa/internal/problem"
)

// Finding is one line of the doctor.
type Finding struct {
	What, Detail string
	Problem      *problem.Error // what to do, nil when all is well
}

// leastFree is room for plans, records and a day of reports.
const leastFree = 256 << 20

var (
	errFolder = problem.New("DOCTOR_FOLDER", 500,
		"loa-agent không ghi được vào thư mục dữ liệu. Chạy lệnh này bằng đúng người dùng của dịch vụ, hoặc sửa khóa data hay quyền của thư mục.",
		"loa-agent cannot write to its data folder. Run this command as the service's user, or correct the key data or the folder's rights.")
	errDisk = problem.New("DOCTOR_DISK", 507,
		"Ổ đĩa sắp đầy nên không tải được tin mới. Xóa bớt tệp trên ổ đĩa, hoặc giảm cache_limit.",
		"The disk is nearly full, so new reports cannot be fetched. Delete files on it, or lower cache_limit.")
	errUnreadable = problem.New("DOCTOR_DATA", 500,
		"Không đọc được dữ liệu của loa-agent. Xem lỗi ở dòng trên; nếu máy vẫn phát thì chạy lệnh này bằng người dùng của dịch vụ.",
		"The agent's data cannot be read. See the error above; if this PC plays nevertheless, run this command as the service's user.")
	errNotPaired = problem.New("DOCTOR_PAIRING", 409,
		"Máy này chưa ghép với máy chủ. Xin trung tâm một mã ghép rồi chạy loa-agent pair --hub ĐỊA_CHỈ --code MÃ.",
		"This PC is not paired with a hub. Ask the hub's people for a code and run loa-agent pair --hub ADDRESS --code CODE.")
	errClock = problem.New("DOCTOR_CLOCK", 503,
		"Đồng hồ chưa tin được nên loa không phát theo lịch. Nối mạng để lấy giờ máy chủ, hoặc chỉnh đúng giờ, bật NTP rồi khởi động lại máy.",
		"The clock cannot be trusted, so nothing scheduled plays. Connect the network to get the hub's time, or set the right time, switch NTP on and restart the PC.")
	errCache = problem.New("DOCTOR_CACHE", 507,
		"Kho âm thanh không nhận thêm được tin. Giải phóng ổ đĩa hoặc tăng cache_limit; nếu kho bị hỏng, loa-agent tự tải lại khi có mạng.",
		"The store of audio takes no more. Free the disk or raise cache_limit; one that is damaged is fetched again when the network is there.")
	errNoPlan = problem.New("DOCTOR_PLAN", 404,
		"Chưa có kế hoạch phát, hoặc kế hoạch đã hết hạn. Nối mạng và chờ vài phút; nếu vẫn chưa có, báo trung tâm.",
		"There is no plan, or it has run out. Connect the network and wait some minutes; if there is still none, tell the hub's people.")
	errStopped = problem.New("DOCTOR_STOPPED", 503,
		"loa-agent không chạy nên loa không phát. Chạy loa-agent service start, hoặc loa-agent service install nếu chưa cài.",
		"loa-agent does not run, so nothing plays. Run loa-agent service start, or loa-agent service install if it is not installed.")
	errLine = problem.New("DOCTOR_HUB", 503,
		"Không tới được máy chủ; loa vẫn phát theo kế hoạch đã có. Kiểm tra mạng của máy và địa chỉ máy chủ; nếu mạng tốt, báo trung tâm.",
		"The hub is not reached; what is planned plays on. Check this PC's network and the hub's address; if the network is fine, tell the hub's people.")
	errAmplifierCommand = problem.New("DOCTOR_AMPLIFIER_COMMAND", 500,
		"Không tìm thấy chương trình bật tắt tăng âm. Sửa before_sound hoặc after_sound thành đường dẫn đầy đủ của chương trình.",
		"The program that switches the amplifier is not found. Correct before_sound or after_sound to the program's full path.")
	errAmplifier = problem.New("DOCTOR_AMPLIFIER", 502,
		"Lệnh bật tắt tăng âm bị lỗi. Kiểm tra rơ-le và dây; trong lúc đó bật tắt tăng âm bằng tay.",
		"The command that switches the amplifier fails. Check the relay and its cable; switch the amplifier by hand meanwhile.")
	errAmplifierNew = problem.New("DOCTOR_AMPLIFIER_RESTART", 409,
		"loa-agent đang chạy chưa biết before_sound. Khởi động lại dịch vụ: loa-agent service stop, rồi start.",
		"The agent that runs does not know of before_sound. Start the service again: loa-agent service stop, then start.")
)

// Doctor looks at what the agent stands on.
func Doctor(ctx context.Context, o Options) []Finding {
	findings := checkFolder(o.Config.Data)
	v, err := Status(ctx, o)
	switch {
	case errors.Is(err, errConsoleBusy):
		return append(findings, Finding{"page", o.Config.Console + " is in use", errConsoleBusy})
	case err != nil:
		return append(findings, Finding{"data", err.Error(), errUnreadable})
	}
	findings = append(findings, judge(v, o.Config, time.Now())...)
	findings = append(findings, checkCommands(o.Config, exec.LookPath)...)
	if v.Running && v.Paired { // it holds the card and the line, and told of both
		return findings
	}
	findings = append(findings, checkCard(ctx, o))
	if v.Hub != "" {
		findings = append(findings, checkHub(ctx, v.Hub))
	}
	return findings
}

// when makes a finding that is bad when something is so.
func when(bad bool, p *problem.Error, what, format string, args ...any) Finding {
	if !bad {
		p = nil
	}
	return Finding{what, fmt.Sprintf(format, args...), p}
}

// judge is what an agent's own view tells.
func judge(v console.View, c config.Agent, now time.Time) []Finding {
	findings := []Finding{when(!v.Running, errStopped, "agent", "running: %t", v.Running)}
	if !v.Paired || v.Status == nil {
		return append(findings, when(true, errNotPaired, "pairing", "none"))
	}
	findings = append(findings,
		when(false, nil, "pairing", "%s (%s) with %s", v.Name, v.Area, v.Hub),
		when(v.Clock.Trust == "untrusted", errClock, "clock", "%s %s", v.Clock.Trust, v.Clock.Detail),
		when(v.Cache.State != "ok" && v.Cache.State != "fetching" && v.Cache.State != "waiting", errCache, "cache",
			"%s, %d files missing, %d MiB free %s", v.Cache.State, v.Cache.Missing, v.Cache.FreeBytes>>20, v.Cache.Detail))
	if v.Plan == nil {
		findings = append(findings, when(true, errNoPlan, "plan", "none yet"))
	} else {
		findings = append(findings, when(now.After(v.Plan.Expires), errNoPlan, "plan", "version %d until %s", v.Plan.Version, v.Plan.Expires.Format(time.RFC3339)))
	}
	if !v.Running {
		return findings
	}
	findings = append(findings,
		when(v.Card.State != string(player.CardOK), errNoCard, "card", "%s %s", v.Card.State, v.Card.Detail),
		when(!v.Connection.Connected, errLine, "hub", "connected: %t %s %s", v.Connection.Connected, v.Connection.Problem, v.Connection.Detail))
	return append(findings, checkAmplifier(c, v.Amplifier)...)
}

// checkAmplifier is what the agent that runs tells of its amplifier, nothing where it switches none.
func checkAmplifier(c config.Agent, status *broadcast.AmplifierStatus) []Finding {
	switch {
	case !switched(c):
		return nil
	case status == nil:
		return []Finding{when(true, errAmplifierNew, "amplifier", "not known to the agent that runs")}
	}
	return []Finding{when(status.State == amplifier.StateFailing, errAmplifier, "amplifier", "%s %s", status.State, status.Detail)}
}

// checkCommands looks for the programs that switch the amplifier; it switches nothing.
func checkCommands(c config.Agent, look func(string) (string, error)) []Finding {
	var findings []Finding
	for _, k := range []struct {
		key  string
		line config.Command
	}{{"before_sound", c.BeforeSound}, {"after_sound", c.AfterSound}} {
		if len(k.line) == 0 {
			continue
		}
		path, err := look(k.line[0])
		if err != nil {
			path = err.Error()
		}
		findings = append(findings, when(err != nil, errAmplifierCommand, "amplifier", "%s: %s", k.key, path))
	}
	return findings
}

func checkFolder(dir string) []Finding {
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		return []Finding{when(false, nil, "folder", "%s is not there yet: the first start makes it", dir)}
	}
	f, err := os.CreateTemp(dir, "doctor.*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return []Finding{when(true, errFolder, "folder", "%v", err)}
	}
	findings := []Finding{when(false, nil, "folder", "%s can be written", dir)}
	free, err := cache.DiskFree(dir)
	if err != nil {
		return append(findings, when(true, errDisk, "disk", "%v", err))
	}
	return append(findings, when(free < leastFree, errDisk, "disk", "%d MiB free", free>>20))
}

func checkCard(ctx context.Context, o Options) Finding {
	detail := ""
	err := withCard(ctx, o, func(_ context.Context, out player.Output) error {
		state, _ := out.Watch()
		detail = state.Detail
		return nil
	})
	if err != nil {
		return when(true, errNoCard, "card", "%v", err)
	}
	return when(false, nil, "card", "ok %s", detail)
}

// checkHub looks whether anybody answers at the hub's address; who it is, only an agent that connects can tell.
func checkHub(ctx context.Context, hub string) Finding {
	u, err := url.Parse(hub)
	if err != nil {
		return when(true, errLine, "hub", "%v", err)
	}
	address := u.Host
	if u.Port() == "" {
		address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
	}
	dialer := net.Dialer{Timeout: askTimeout}
	conn, err := dialer.DialContext(ctx, "tcp", address)
	if err != nil {
		return when(true, errLine, "hub", "%v", err)
	}
	_ = conn.Close()
	return when(false, nil, "hub", "%s answers", hub)
}
