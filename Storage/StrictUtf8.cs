using System.Text;

namespace GumbelGan.Storage;

/// <summary>UTF-8 without a byte order mark that refuses invalid bytes, so that damaged text is never read as U+FFFD.</summary>
public static class StrictUtf8
{
    /// <summary>The encoding; it throws <see cref="DecoderFallbackException"/>, which tells the byte.</summary>
    public static UTF8Encoding Encoding { get; } = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}
