package api

import (
	"context"
	"errors"
	"time"

	"github.com/loa-vn/loa/hub/internal/accounts"
	"github.com/loa-vn/loa/internal/problem"
)

// AuditState is what a walk through the whole audit log found.
type AuditState struct {
	At     time.Time `json:"at"`
	Lines  int64     `json:"lines"`
	Whole  bool      `json:"whole" doc:"each line is what was written behind the one before. Only a head that is kept elsewhere shows a log that was written anew (docs/security.md)"`
	Faults []string  `json:"faults" nullable:"false" doc:"in English, the first of them"`
}

type auditStateOutput struct{ Body AuditState }

func (s *Server) verifyAudit(ctx context.Context, _ *struct{}) (*auditStateOutput, error) {
	v := AuditState{At: s.Now(), Faults: []string{}}
	lines, faults, err := s.Accounts.Verify(ctx, nil)
	var broken *problem.Error
	if err != nil && (len(faults) == 0 || !errors.As(err, &broken)) {
		return nil, err
	}
	v.Lines, v.Whole = lines, len(faults) == 0
	for _, f := range faults {
		v.Faults = append(v.Faults, f.String())
	}
	return &auditStateOutput{v}, nil
}

// SystemView is what an admin should know of the hub itself.
type SystemView struct {
	Version   string     `json:"version"`
	Schema    int64      `json:"schema" doc:"version of the database's tables"`
	Zone      string     `json:"zone"`
	PublicURL string     `json:"public_url" doc:"what people and agents dial; empty when not known"`
	TLS       bool       `json:"tls" doc:"the hub speaks TLS itself"`
	Backup    *time.Time `json:"backup" doc:"when the last backup began, by the audit log; null: never"`
	BackupBy  string     `json:"backup_by,omitempty"`
}

type systemOutput struct{ Body SystemView }

func (s *Server) system(ctx context.Context, _ *struct{}) (*systemOutput, error) {
	v := SystemView{Version: s.Version, Zone: s.Zone.String(), PublicURL: s.PublicURL, TLS: s.TLS}
	var err error
	if v.Schema, _, err = s.DB.Schema(ctx); err != nil {
		return nil, err
	}
	backups, err := s.Accounts.Search(ctx, accounts.LogFilter{Action: "hub.backup"}, 0, 1)
	if err != nil {
		return nil, err
	}
	for _, e := range backups {
		v.Backup, v.BackupBy = &e.At, e.Who
	}
	return &systemOutput{v}, nil
}
