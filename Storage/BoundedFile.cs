namespace GumbelGan.Storage;

/// <summary>Reads small files whole; refuses a directory, a missing file or one that is too large before memory is spent on it.</summary>
public static class BoundedFile
{
    /// <summary>The bytes of the file; of one that does not tell its size (a pipe, a device) too no more than the limit is read.</summary>
    /// <exception cref="UserMistakeException">
    /// The file is missing, unreadable, a directory, or larger than <paramref name="maximumBytes"/>.
    /// </exception>
    public static byte[] Read(string path, int maximumBytes)
    {
        using FileStream stream = Open(path);
        var content = new MemoryStream();
        byte[] buffer = new byte[1 << 16];
        try
        {
            for (int count; (count = stream.Read(buffer)) > 0;)
            {
                content.Write(buffer, 0, count);
                if (content.Length > maximumBytes)
                {
                    throw new UserMistakeException(
                        $"{path} is larger than {maximumBytes / (double)(1 << 20):0.##} MiB; name a file of the right kind.");
                }
            }
        }
        catch (IOException exception)
        {
            throw new UserMistakeException($"{path} cannot be read ({exception.Message.TrimEnd('.')}); name a readable file.", exception);
        }

        return content.ToArray();
    }

    /// <summary>Opens a file that must exist.</summary>
    /// <exception cref="UserMistakeException">It is missing, unreadable, or a directory.</exception>
    public static FileStream Open(string path)
    {
        if (string.IsNullOrWhiteSpace(path))
        {
            throw new UserMistakeException("A file name is empty; name a file.");
        }

        if (Directory.Exists(path))
        {
            throw new UserMistakeException($"{path} is a directory; name a file.");
        }

        try
        {
            return new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 0, FileOptions.SequentialScan);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new UserMistakeException($"{path} does not exist; name an existing file.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new UserMistakeException($"{path} cannot be opened ({exception.Message.TrimEnd('.')}); name a readable file.", exception);
        }
    }
}
