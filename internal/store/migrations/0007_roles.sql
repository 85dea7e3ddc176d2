-- What somebody may do for the service besides using it; '' is nothing.
ALTER TABLE account ADD COLUMN role TEXT NOT NULL DEFAULT '' CHECK (role IN ('', 'moderator', 'administrator'));
