namespace GumbelGan.Kernels;

/// <summary>Where <see cref="HighwayScore.Backward"/> puts its gradients; those of the parameters all null where they do not learn.</summary>
/// <remarks>N rows, D width.</remarks>
public readonly unsafe struct HighwayGradients
{
    /// <summary>[N, D].</summary>
    public float* Features { get; init; }

    /// <summary>[D, D].</summary>
    public float* Transform { get; init; }

    /// <summary>[D] where the transform is the gate too, else [D, D].</summary>
    public float* Second { get; init; }

    /// <summary>[D].</summary>
    public float* Output { get; init; }
}
