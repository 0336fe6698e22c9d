using System.Text.Json.Nodes;

namespace GumbelGan.Evaluation.Report;

/// <summary>A chart of lines, bars and points over one axis, as report.js draws it.</summary>
/// <param name="Title">Above it.</param>
/// <param name="XLabel">Below it.</param>
/// <param name="Lines">What is drawn, each in the colour of its place here.</param>
public sealed record LineChart(string Title, string XLabel, IReadOnlyList<ChartLine> Lines)
{
    /// <summary>Beside the vertical axis.</summary>
    public string YLabel { get; init; } = "";

    /// <summary>Whether the horizontal axis is logarithmic; all x are positive then.</summary>
    public bool HasLogarithmicX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; all y are positive then.</summary>
    public bool HasLogarithmicY { get; init; }

    /// <summary>The chart at the element with the id <paramref name="place"/>.</summary>
    public JsonObject ToJson(string place) => new()
    {
        ["place"] = place,
        ["title"] = Title,
        ["x"] = XLabel,
        ["y"] = YLabel,
        ["logarithmic"] = new JsonArray(HasLogarithmicX, HasLogarithmicY),
        ["lines"] = new JsonArray([.. Lines.Select(line => (JsonNode)line.ToJson())]),
    };
}

/// <summary>How the values of a line are drawn.</summary>
public enum LineForm
{
    /// <summary>Joined.</summary>
    Line,

    /// <summary>As bars from zero. Whatever shares a chart with bars has the same x.</summary>
    Bars,

    /// <summary>As points, not joined.</summary>
    Points,
}

/// <summary>One line of a chart.</summary>
/// <param name="Name">In the legend.</param>
/// <param name="X">Ascending; empty for a line that is not drawn.</param>
/// <param name="Y">As many; what is not finite is left out.</param>
public sealed record ChartLine(string Name, IReadOnlyList<double> X, IReadOnlyList<double> Y)
{
    /// <summary>How it is drawn.</summary>
    public LineForm Form { get; init; }

    /// <summary>The lower and the upper edge of a band around it, or null.</summary>
    public (IReadOnlyList<double> Low, IReadOnlyList<double> High)? Band { get; init; }

    internal JsonObject ToJson() => new()
    {
        ["name"] = Name,
        ["form"] = Form.ToString().ToLowerInvariant(),
        ["x"] = Numbers(X),
        ["y"] = Numbers(Y),
        ["low"] = Band is { } low ? Numbers(low.Low) : null,
        ["high"] = Band is { } high ? Numbers(high.High) : null,
    };

    private static JsonArray Numbers(IEnumerable<double> values) => new([.. values.Select(value => double.IsFinite(value) ? (JsonNode)value : null)]);
}
