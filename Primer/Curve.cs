using GumbelGan.Evaluation.Report;

namespace GumbelGan.Primer;

/// <summary>A line of a chart that grows while something is trained.</summary>
/// <param name="name">Its name in the legend.</param>
internal sealed class Curve(string name)
{
    private readonly List<double> _x = [], _y = [];

    /// <summary>Its line as it is now.</summary>
    public ChartLine Line => new(name, _x, _y);

    /// <summary>The value that was added last.</summary>
    public double Last => _y[^1];

    /// <summary>The value that was added first.</summary>
    public double First => _y[0];

    /// <summary>A level line as long as this one.</summary>
    public ChartLine Level(string label, double value) => new(label, _x, [.. _x.Select(_ => value)]);

    /// <summary>Adds a point; x ascends.</summary>
    public void Add(double x, double y)
    {
        _x.Add(x);
        _y.Add(y);
    }
}
