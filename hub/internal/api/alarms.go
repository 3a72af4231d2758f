package api

import (
	"context"
	"net/http"
	"time"

	"github.com/loa-vn/loa/hub/internal/alarms"
)

// ChannelView is how one way by which alarms are told does.
type ChannelView struct {
	Name     string    `json:"name" enum:"mail,webhook"`
	To       string    `json:"to"`
	LastSent time.Time `json:"last_sent,omitzero"`
	Error    string    `json:"error,omitempty" doc:"of the last attempt"`
}

type alarmsOutput struct {
	Body struct {
		Now      time.Time      `json:"now" doc:"the hub's clock, to count ages by"`
		Items    []alarms.Alarm `json:"items" nullable:"false" doc:"open ones first, then newest first"`
		Channels []ChannelView  `json:"channels" nullable:"false" doc:"for those who manage the whole tree"`
	}
}

type alarmOutput struct{ Body alarms.Alarm }

func (s *Server) alarmRoutes() {
	register(s, op("list-alarms", http.MethodGet, "/alarms", "What needs somebody, or did"), s.listAlarms)
	register(s, op("ack-alarm", http.MethodPost, "/alarms/{id}/ack", "Say that one sees to it: it is not told again, but its end is"), func(ctx context.Context, in *IDInput) (*alarmOutput, error) {
		return s.decideAlarm(ctx, in.ID, "alarm.ack", func(by string) (alarms.Alarm, error) { return s.Alarms.Acknowledge(ctx, in.ID, by) })
	})
	register(s, op("silence-alarm", http.MethodPost, "/alarms/{id}/silence", "Keep it from being told for some hours"), func(ctx context.Context, in *silenceInput) (*alarmOutput, error) {
		return s.decideAlarm(ctx, in.ID, "alarm.silence", func(by string) (alarms.Alarm, error) {
			var until time.Time
			if in.Body.Hours > 0 {
				until = s.Now().Add(time.Duration(in.Body.Hours) * time.Hour)
			}
			return s.Alarms.Silence(ctx, in.ID, by, until)
		})
	})
}

type silenceInput struct {
	IDInput
	Body struct {
		Hours int `json:"hours" minimum:"0" maximum:"720" doc:"from now; 0 ends a silence"`
	}
}

func (s *Server) listAlarms(ctx context.Context, in *struct {
	Open bool `query:"open" doc:"only those that are open"`
}) (*alarmsOutput, error) {
	areas, err := s.myAreas(ctx)
	if err != nil {
		return nil, err
	}
	out := &alarmsOutput{}
	out.Body.Now, out.Body.Items, out.Body.Channels = s.Now(), []alarms.Alarm{}, []ChannelView{}
	if areas == nil || len(areas) > 0 {
		if out.Body.Items, err = s.Alarms.List(ctx, alarms.Filter{Areas: areas, Open: in.Open, Limit: 500}); err != nil {
			return nil, err
		}
	}
	if who(ctx).Area == "" && permits(caller(ctx), s.access["ack-alarm"]) {
		for _, c := range s.Alarms.Channels() {
			out.Body.Channels = append(out.Body.Channels, ChannelView(c))
		}
	}
	return out, nil
}

func (s *Server) decideAlarm(ctx context.Context, id, action string, do func(by string) (alarms.Alarm, error)) (*alarmOutput, error) {
	before, err := s.Alarms.Alarm(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.mine(ctx, before.Area); err != nil {
		return nil, err
	}
	after, err := do(who(ctx).Name)
	if err != nil {
		return nil, err
	}
	return &alarmOutput{after}, s.audit(ctx, change{action: action, subject: id, area: after.Area,
		after: map[string]any{"key": after.Key, "acked_by": after.AckedBy, "silenced_until": after.SilencedUntil}})
}
