namespace GumbelGan.Kernels;

/// <summary>Where <see cref="HighwayScore.Backward"/> writes its gradients. Those of the parameters are all null where they are not wanted.</summary>
/// <remarks>N rows, D width.</remarks>
public readonly unsafe struct HighwayGradients
{
    /// <summary>[N, D].</summary>
    public float* Features { get; init; }

    /// <summary>[D, D].</summary>
    public float* Transform { get; init; }

    /// <summary>Of the bias [D] where one matrix serves transform and gate, else of the gate's matrix [D, D].</summary>
    public float* BiasOrGate { get; init; }

    /// <summary>[D].</summary>
    public float* Output { get; init; }
}
