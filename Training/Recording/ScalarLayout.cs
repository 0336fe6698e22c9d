namespace GumbelGan.Training.Recording;

/// <summary>One page of TensorBoard's custom-scalars dashboard.</summary>
/// <param name="Categories">From top to bottom.</param>
public sealed record ScalarLayout(IReadOnlyList<ScalarCategory> Categories);

/// <summary>A titled group of charts.</summary>
/// <param name="Title">Shown above the group.</param>
/// <param name="Charts">From left to right.</param>
public sealed record ScalarCategory(string Title, IReadOnlyList<ScalarChart> Charts);

/// <summary>One chart with a line for each tag that matches.</summary>
/// <param name="Title">Shown above the chart.</param>
/// <param name="TagPatterns">Regular expressions, matched against whole tags.</param>
public sealed record ScalarChart(string Title, IReadOnlyList<string> TagPatterns);
