package alarms

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"
)

// Mail sends what is due at once as one message.
type Mail struct {
	o      MailOptions
	client *mail.Client
}

// MailOptions of a Mail.
type MailOptions struct {
	Server   string // smtp://[user@]host[:port] with STARTTLS, smtps:// with TLS from the beginning
	Password string
	From     string
	To       []string
	Zone     *time.Location
	Pages    string                   // address of the hub's pages, "" when not known
	Area     func(code string) string // its name

	roots *x509.CertPool                                          // of tests; nil: the system's
	dial  func(context.Context, string, string) (net.Conn, error) // of tests, for names that are nowhere
}

// NewMail checks the options. Without TLS it speaks to this machine alone, and tells even that no password.
func NewMail(o MailOptions) (*Mail, error) {
	u, err := url.Parse(o.Server)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || u.Path != "" {
		return nil, fmt.Errorf("mail server %q is not like smtp://user@host:587 or smtps://user@host:465", o.Server)
	}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("port of mail server: %w", err)
		}
	}
	options := []mail.Option{mail.WithPort(port), mail.WithTimeout(sendTime / 2),
		mail.WithTLSConfig(&tls.Config{ServerName: u.Hostname(), RootCAs: o.roots, MinVersion: tls.VersionTLS12})}
	if o.dial != nil {
		options = append(options, mail.WithDialContextFunc(o.dial))
	}
	ip := net.ParseIP(u.Hostname())
	switch {
	case u.Scheme == "smtps":
		options = append(options, mail.WithSSL())
	case u.Hostname() == "localhost" || ip != nil && ip.IsLoopback():
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if u.User.Username() != "" {
		// The strongest that both know; without TLS none that shows the password.
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(u.User.Username()), mail.WithPassword(o.Password))
	}
	client, err := mail.NewClient(u.Hostname(), options...)
	if err != nil {
		return nil, fmt.Errorf("make mail client: %w", err)
	}
	if len(o.To) == 0 {
		return nil, errors.New("nobody to send mail to")
	}
	m := &Mail{o: o, client: client}
	_, err = m.message(nil)
	return m, err
}

func (*Mail) name() string { return "mail" }

func (m *Mail) to() string { return strings.Join(m.o.To, ", ") }

func (m *Mail) send(ctx context.Context, notices []Notice) (done int, err error) {
	message, err := m.message(notices)
	if err != nil {
		return 0, err
	}
	if err := m.client.DialAndSendWithContext(ctx, message); err != nil {
		return 0, fmt.Errorf("send mail: %w", err)
	}
	return len(notices), nil
}

// message is in both languages: whoever reads it may be the province's technician or the vendor's.
func (m *Mail) message(notices []Notice) (*mail.Msg, error) {
	message := mail.NewMsg()
	if err := message.From(m.o.From); err != nil {
		return nil, fmt.Errorf("sender of mail: %w", err)
	}
	if err := message.To(m.o.To...); err != nil {
		return nil, fmt.Errorf("receivers of mail: %w", err)
	}
	message.SetDate()
	message.SetMessageID()
	message.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday answers
	if len(notices) > 0 {
		subject := m.line(notices[0], true)
		if len(notices) > 1 {
			subject = fmt.Sprintf("%s (+%d)", subject, len(notices)-1)
		}
		message.Subject("Loa: " + subject)
	}
	var body strings.Builder
	for _, n := range notices {
		fmt.Fprintf(&body, "%s\n  %s\n\n", m.line(n, true), m.line(n, false))
	}
	if m.o.Pages != "" {
		fmt.Fprintf(&body, "%s/alarms\n", m.o.Pages)
	}
	message.SetBodyString(mail.TypeTextPlain, body.String())
	return message, nil
}

// words of each kind, Vietnamese and English.
func words(k Kind) (vi, en string) {
	switch k {
	case WillMiss:
		return "Sẽ lỡ buổi phát tới", "Will miss what comes next"
	case Offline:
		return "Mất kết nối", "Offline"
	case ClockUntrusted:
		return "Đồng hồ không tin được, loa im lặng", "Clock not trusted, it is silent"
	case CardMissing:
		return "Không có cạc âm thanh", "No sound card"
	case DiskLow:
		return "Đĩa sắp đầy", "Disk nearly full"
	case PlanEnding:
		return "Kế hoạch sắp hết hạn", "Plan about to end"
	case CertEnding:
		return "Chứng thư của máy chủ sắp hết hạn", "The hub's certificate is about to end"
	case TrustEnding:
		return "Tài liệu tin cậy sắp hết hạn", "The trust document is about to end"
	case RootKey:
		return "Khóa gốc còn nằm trên máy chủ", "The root key lies on the hub"
	}
	return string(k), string(k)
}

// line says one notice in a line.
func (m *Mail) line(n Notice, vietnamese bool) string {
	vi, en := words(n.Alarm.Kind)
	say := map[Say][2]string{SayRaised: {"", ""}, SayReminder: {"Nhắc lại: ", "Again: "}, SayResolved: {"Đã hết: ", "Over: "}}[n.Say]
	word := func(v, e string) string {
		if vietnamese {
			return v
		}
		return e
	}
	s := word(say[0]+vi, say[1]+en)
	area := n.Alarm.Area
	if m.o.Area != nil && area != "" {
		area = m.o.Area(area)
	}
	switch {
	case n.Alarm.Agent != "":
		s += ": " + n.Alarm.Name + ", " + area
	case area != "":
		s += fmt.Sprintf(word(": %s, %d trên %d cụm", ": %s, %d of %d clusters"), area, n.Alarm.Clusters, n.Alarm.Of)
	}
	at := func(t time.Time) string { return t.In(m.o.Zone).Format("15:04 02/01/2006") }
	switch {
	case n.Say == SayResolved:
		s += word(", lúc ", ", at ") + at(n.Alarm.ResolvedAt)
	case !n.Alarm.Ends.IsZero():
		s += word(", lúc ", ", at ") + at(n.Alarm.Ends)
	case !n.Alarm.Since.IsZero():
		s += word(", từ ", ", since ") + at(n.Alarm.Since)
	}
	return s
}
