-- +goose Up
ALTER TABLE reports ADD COLUMN air_date TEXT NOT NULL DEFAULT '';      -- YYYY-MM-DD, when its source aired it
ALTER TABLE reports ADD COLUMN speaker TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN rights TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN law_fields TEXT NOT NULL DEFAULT '';    -- JSON list of texts
ALTER TABLE reports ADD COLUMN laws TEXT NOT NULL DEFAULT '';          -- JSON list of library.Law
ALTER TABLE reports ADD COLUMN laws_until TEXT NOT NULL DEFAULT '';    -- the first day on which one of its laws is no longer in force

-- Texts have no control characters: in JSON only these two are written otherwise.
UPDATE reports SET law_fields = '["' || replace(replace(law_field, '\', '\\'), '"', '\"') || '"]' WHERE law_field <> '';
UPDATE reports SET laws = '[{"number":"' || replace(replace(law_number, '\', '\\'), '"', '\"')
    || '","title":"' || replace(replace(law_title, '\', '\\'), '"', '\"') || '"}]' WHERE law_number <> '' OR law_title <> '';
ALTER TABLE reports DROP COLUMN law_title;
ALTER TABLE reports DROP COLUMN law_number;
ALTER TABLE reports DROP COLUMN law_field;
UPDATE reports SET search = '';                                        -- written anew with the new words

CREATE TABLE languages (
    code     TEXT PRIMARY KEY,              -- BCP 47 where there is one
    vi       TEXT NOT NULL,
    en       TEXT NOT NULL,
    position BIGINT NOT NULL                -- in lists
);
INSERT INTO languages (code, vi, en, position) VALUES
    ('vi', 'Tiếng Việt', 'Vietnamese', 1), ('tyz', 'Tiếng Tày', 'Tày', 2), ('ium', 'Tiếng Dao', 'Dao', 3), ('yue-x-san', 'Tiếng Sán Chỉ', 'Sán Chỉ', 4),
    ('hmn', 'Tiếng Mông', 'Hmong', 5), ('nut', 'Tiếng Nùng', 'Nùng', 6), ('mtq', 'Tiếng Mường', 'Mường', 7), ('khm', 'Tiếng Khmer', 'Khmer', 8);

-- +goose Down
DROP TABLE languages;
ALTER TABLE reports ADD COLUMN law_title TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN law_number TEXT NOT NULL DEFAULT '';
ALTER TABLE reports ADD COLUMN law_field TEXT NOT NULL DEFAULT '';
ALTER TABLE reports DROP COLUMN laws_until;
ALTER TABLE reports DROP COLUMN laws;
ALTER TABLE reports DROP COLUMN law_fields;
ALTER TABLE reports DROP COLUMN rights;
ALTER TABLE reports DROP COLUMN speaker;
ALTER TABLE reports DROP COLUMN air_date;
