using System.Text;
using GumbelGan.Storage;

namespace GumbelGan.Training.Configuration;

/// <summary>One YAML text that overrides what came before it: a recipe, or the user's file.</summary>
/// <param name="Name">What error messages call it: the path as the user gave it, or "recipe captions".</param>
/// <param name="Text">The YAML.</param>
public sealed record ConfigurationLayer(string Name, string Text)
{
    /// <summary>The largest file that is read, in bytes. Configurations have some hundreds of lines; a larger file is another file.</summary>
    public const int MaximumBytes = 1 << 20;

    /// <summary>The layer in the file at <paramref name="path"/>.</summary>
    /// <exception cref="UserMistakeException">It cannot be read, is larger than <see cref="MaximumBytes"/>, or is not UTF-8.</exception>
    public static ConfigurationLayer FromFile(string path)
    {
        if (Directory.Exists(path))
        {
            throw new UserMistakeException(
                $"{path} is a folder; give the configuration file itself, for example {Path.Combine(path, "config.yaml")}.");
        }

        return FromBytes(path, BoundedFile.Read(path, MaximumBytes));
    }

    /// <summary>The layer whose UTF-8 bytes (a byte-order mark may stand before them) are <paramref name="bytes"/>.</summary>
    /// <exception cref="UserMistakeException">They are more than <see cref="MaximumBytes"/>, or no UTF-8.</exception>
    public static ConfigurationLayer FromBytes(string name, ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaximumBytes)
        {
            throw new UserMistakeException($"{name} is larger than {MaximumBytes} bytes, so it is no configuration file.");
        }

        try
        {
            string text = StrictUtf8.Encoding.GetString(bytes);
            return new ConfigurationLayer(name, text.TrimStart('\uFEFF'));
        }
        catch (DecoderFallbackException cause)
        {
            int line = 1 + bytes[..Math.Clamp(cause.Index, 0, bytes.Length)].Count((byte)'\n');
            throw new UserMistakeException($"{name}, line {line}: the bytes are not valid UTF-8; save the file as UTF-8.", cause);
        }
    }
}
