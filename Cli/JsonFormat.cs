using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace GumbelGan.Cli;

/// <summary>How every command writes its JSON document.</summary>
internal static class JsonFormat
{
    /// <summary>Indented, keys in snake case; it goes to a terminal or a parser, never into a page, so apostrophes stay readable.</summary>
    public static JsonSerializerOptions Options { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        WriteIndented = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.SnakeCaseLower) },
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
