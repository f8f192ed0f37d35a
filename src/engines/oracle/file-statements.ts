/** Files in a directory of the server: UTL_FILE, DBMS_LOB. */

/** Null where there is no such file. */
export const READ_FILE_LENGTH = `
DECLARE
  l_file BFILE := BFILENAME(:p_directory, :p_name);
BEGIN
  IF DBMS_LOB.FILEEXISTS(l_file) = 1 THEN
    :p_bytes := DBMS_LOB.GETLENGTH(l_file);
  ELSE
    :p_bytes := NULL;
  END IF;
END;`

export const OPEN_FILE = `
SELECT BFILENAME(:p_directory, :p_name) AS "file"
FROM dual`

/** For where the driver can't read a BFILE by itself: 32767 bytes at a time. */
export const READ_FILE_RAW = `
DECLARE
  l_file BFILE := BFILENAME(:p_directory, :p_name);
  l_bytes INTEGER := :p_wanted;
  l_raw RAW(32767);
BEGIN
  DBMS_LOB.FILEOPEN(l_file, DBMS_LOB.FILE_READONLY);
  BEGIN
    DBMS_LOB.READ(l_file, l_bytes, :p_offset, l_raw);
    :p_data := l_raw;
  EXCEPTION
    WHEN NO_DATA_FOUND THEN
      :p_data := NULL;
  END;
  DBMS_LOB.FILECLOSE(l_file);
END;`

/** Makes an empty file, or empties it. */
export const CREATE_FILE = `
DECLARE
  l_file UTL_FILE.FILE_TYPE;
BEGIN
  l_file := UTL_FILE.FOPEN(:p_directory, :p_name, 'wb', 32767);
  UTL_FILE.FCLOSE(l_file);
END;`

/**
 * A handle does not outlive its block, so each piece opens the file anew; many rows of it are one round trip. Opening for
 * append would make a missing file: rows that the server still holds must not bring back what was removed.
 */
export const APPEND_TO_FILE = `
DECLARE
  l_file UTL_FILE.FILE_TYPE;
BEGIN
  IF DBMS_LOB.FILEEXISTS(BFILENAME(:p_directory, :p_name)) = 0 THEN
    RAISE_APPLICATION_ERROR(-20001, 'the file is not there any more');
  END IF;
  l_file := UTL_FILE.FOPEN(:p_directory, :p_name, 'ab', 32767);
  UTL_FILE.PUT_RAW(l_file, :p_data, TRUE);
  UTL_FILE.FCLOSE(l_file);
EXCEPTION
  WHEN OTHERS THEN
    IF UTL_FILE.IS_OPEN(l_file) THEN
      UTL_FILE.FCLOSE(l_file);
    END IF;
    RAISE;
END;`

/**
 * All files of a run, those with gaps in their numbers too: a run that was cut off may have removed some already. FREMOVE
 * of a missing file is ORA-29283, as is that of one that may not be removed: so it is asked for first.
 */
export const REMOVE_RUN_FILES = `
DECLARE
  l_directory VARCHAR2(128) := :p_directory;
  l_run VARCHAR2(128) := :p_run;
  l_removed PLS_INTEGER := 0;
  PROCEDURE remove(p_name VARCHAR2) IS
    l_file BFILE := BFILENAME(l_directory, p_name);
  BEGIN
    IF DBMS_LOB.FILEEXISTS(l_file) = 1 THEN
      UTL_FILE.FREMOVE(l_directory, p_name);
      l_removed := l_removed + 1;
    END IF;
  END;
BEGIN
  FOR l_number IN 1 .. 99 LOOP
    remove(l_run || '_' || TO_CHAR(l_number, 'FM00') || '.dmp');
  END LOOP;
  remove(l_run || '.log');
  :p_removed := l_removed;
END;`
