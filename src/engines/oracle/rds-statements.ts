/** What Amazon RDS adds: S3 integration, the log of its tasks, and what lies in a directory. */

export const UPLOAD_TO_S3 = `
BEGIN
  :p_task := rdsadmin.rdsadmin_s3_tasks.upload_to_s3(
    p_bucket_name => :p_bucket, p_directory_name => :p_directory,
    p_s3_prefix => :p_s3_prefix, p_prefix => :p_files);
END;`

/** A file that is there already is skipped without a word, and none found is no error: the lengths are looked at. */
export const DOWNLOAD_FROM_S3 = `
BEGIN
  :p_task := rdsadmin.rdsadmin_s3_tasks.download_from_s3(
    p_bucket_name => :p_bucket, p_directory_name => :p_directory, p_s3_prefix => :p_s3_prefix);
END;`

export const READ_TASK_LOG = `
SELECT text AS "text"
FROM TABLE(rdsadmin.rds_file_util.read_text_file('BDUMP', :p_file))`

export const READ_DIRECTORY_FILES = `
SELECT TO_CHAR(NVL(SUM(filesize), 0)) AS "bytes"
FROM TABLE(rdsadmin.rds_file_util.listdir(:p_directory))
WHERE type = 'file'`
