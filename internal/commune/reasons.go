package commune

// Vietnamese are the reasons of plays, in words.
func Vietnamese() map[string]string {
	return map[string]string{
		"complete": "trọn vẹn", "joined": "vào giữa chừng", "late_whole": "phát muộn, trọn vẹn",
		"resumed": "bị ngắt rồi phát tiếp", "late": "quá muộn", "collision": "trùng giờ mục khác", "daypart_full": "hết giờ trong buổi phát",
		"no_daypart": "ngày này không có buổi phát đó", "quiet_hours": "ngoài giờ được phát", "dayparts_per_day": "quá số buổi phát trong ngày",
		"reserved": "giờ tiếp âm nguồn khác", "not_valid": "tin chưa hoặc hết hiệu lực", "withdrawn": "tin đã thu hồi",
		"commune_skipped": "xã bỏ qua", "stopped": "người vận hành dừng", "muted": "xã tắt tiếng", "urgent": "nhường tin khẩn",
		"superseded": "lần lặp sau thay thế", "cancelled": "đã hủy", "plan_ended": "hết kế hoạch phát", "clock_untrusted": "không rõ giờ",
		"agent_off": "máy tắt", "power": "mất điện", "audio_missing": "chưa có âm thanh", "audio_damaged": "âm thanh hỏng",
		"card_missing": "không có cạc âm thanh",
	}
}

// English are the same.
func English() map[string]string {
	return map[string]string{
		"complete": "whole", "joined": "joined in the middle",
		"late_whole": "late, whole", "resumed": "interrupted and resumed", "late": "too late", "collision": "another item has that time",
		"daypart_full": "no time left in its daypart", "no_daypart": "no such daypart that day", "quiet_hours": "outside the allowed hours",
		"dayparts_per_day": "more dayparts than allowed", "reserved": "another source speaks then", "not_valid": "the report is not valid then",
		"withdrawn": "the report was withdrawn", "commune_skipped": "skipped by the commune", "stopped": "stopped by the operator",
		"muted": "muted by the commune", "urgent": "an urgent bulletin took its time", "superseded": "a later repetition took its place",
		"cancelled": "cancelled", "plan_ended": "the plan ran out", "clock_untrusted": "the time was not known", "agent_off": "the agent was off",
		"power": "power cut", "audio_missing": "the audio was not here", "audio_damaged": "the audio was damaged",
		"card_missing": "no sound card",
	}
}
