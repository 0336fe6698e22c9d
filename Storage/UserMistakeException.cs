namespace GumbelGan.Storage;

/// <summary>
/// The user's mistake: a missing corpus, a malformed file, a contradictory configuration. The message is one complete sentence that says
/// what to do; the program prints it and exits with code 2. Our own mistakes use any other exception.
/// </summary>
public sealed class UserMistakeException : Exception
{
    /// <summary>A mistake described by <paramref name="message"/>, one sentence.</summary>
    public UserMistakeException(string message)
        : base(message)
    {
    }

    /// <summary>A mistake that showed itself as <paramref name="cause"/>.</summary>
    public UserMistakeException(string message, Exception cause)
        : base(message, cause)
    {
    }
}
